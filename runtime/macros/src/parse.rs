//! Reads an impl block into the model of an actor.
//!
//! Reading is lenient: what breaks a rule is reported to [`Errors`] and read as well as can be, so
//! that one run finds everything. A method with an error is marked as not sound, and is left out
//! of the model when the rules between the methods have been checked too.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{
    Attribute, FnArg, Generics, Ident, ImplItem, ImplItemFn, ItemImpl, Meta, Pat, Path, Receiver, ReturnType,
    Signature, Token, Type, Visibility, parenthesized, parse_quote,
};

use crate::check::{self, Errors};
use crate::types::{behind_reference, is_named, is_unit, value_or_fault, without_self};

/// What stands in the parentheses of `#[actor(..)]`.
pub(crate) struct Options {
    pub(crate) msg: Option<Ident>,
    pub(crate) api: Option<Ident>,
    pub(crate) krate: Path,
    pub(crate) derives: Vec<Path>,
}

impl Options {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options { msg: None, api: None, krate: parse_quote!(::tidegate), derives: Vec::new() };
        let mut seen = Vec::<String>::new();
        let parser = syn::meta::parser(|meta| {
            let name = meta.path.to_token_stream().to_string();
            if !matches!(name.as_str(), "msg" | "api" | "crate" | "derive") {
                return Err(meta.error(format!(
                    "`#[actor]` has no option `{name}`\n\
                     help: there are `msg = Name`, `api = Name`, `crate = path` and `derive(..)`"
                )));
            }
            if seen.contains(&name) {
                return Err(meta.error(format!("`{name}` is given twice")));
            }
            match name.as_str() {
                "msg" => options.msg = Some(meta.value()?.parse()?),
                "api" => options.api = Some(meta.value()?.parse()?),
                "crate" => options.krate = meta.value()?.call(Path::parse_mod_style)?,
                _ => {
                    let list;
                    parenthesized!(list in meta.input);
                    let paths = list.parse_terminated(Path::parse_mod_style, Token![,])?;
                    options.derives.extend(paths);
                }
            }
            seen.push(name);
            Ok(())
        });
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        options
    }
}

/// An actor as its impl block describes it.
pub(crate) struct Actor {
    pub(crate) options: Options,
    pub(crate) self_ty: Type,
    /// The last segment of `self_ty`, from which the other names are made.
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) messages: Vec<Message>,
    pub(crate) started: Vec<Hook>,
    pub(crate) stopped: Vec<Hook>,
    pub(crate) terminated: Vec<Hook>,
}

/// A method marked `#[message]`.
pub(crate) struct Message {
    pub(crate) name: Ident,
    pub(crate) variant: Ident,
    pub(crate) vis: Visibility,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) deprecated: Option<Attribute>,
    pub(crate) is_async: bool,
    pub(crate) params: Vec<Param>,
    pub(crate) outcome: Outcome,
    pub(crate) sound: bool,
}

impl Message {
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.params.iter().filter_map(|param| match param {
            Param::Field(field) => Some(&**field),
            Param::Context(_) | Param::Reason(_) | Param::News(_) => None,
        })
    }

    /// The arguments that say until when the message is worth handling.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = &Field> {
        self.fields().filter(|field| is_named(&field.ty, "Deadline"))
    }

    /// The type of the answer, if there is to be one.
    pub(crate) fn answer(&self) -> Option<&Type> {
        match &self.outcome {
            Outcome::Nothing | Outcome::MayFault => None,
            Outcome::Answer(ty) | Outcome::AnswerOrFault(ty) => Some(ty),
        }
    }
}

/// A method marked `#[started]`, `#[stopped]` or `#[terminated]`.
pub(crate) struct Hook {
    pub(crate) name: Ident,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) is_async: bool,
    pub(crate) params: Vec<Param>,
    pub(crate) may_fault: bool,
    pub(crate) sound: bool,
}

/// One argument after the receiver, in the order of the method. A span is that of the type.
pub(crate) enum Param {
    Field(Box<Field>),
    Context(Span),
    Reason(Span),
    News(Span),
}

/// An argument that travels in the message.
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) attrs: Vec<Attribute>,
}

/// What a method returns, as far as the runtime is concerned.
pub(crate) enum Outcome {
    /// `()`
    Nothing,
    /// `Result<(), Fault>`
    MayFault,
    /// `T`
    Answer(Type),
    /// `Result<T, Fault>`
    AnswerOrFault(Type),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Message,
    Started,
    Stopped,
    Terminated,
}

impl Marker {
    fn of(attr: &Attribute) -> Option<Self> {
        let path = attr.path();
        if path.is_ident("message") {
            Some(Marker::Message)
        } else if path.is_ident("started") {
            Some(Marker::Started)
        } else if path.is_ident("stopped") {
            Some(Marker::Stopped)
        } else if path.is_ident("terminated") {
            Some(Marker::Terminated)
        } else {
            None
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Marker::Message => "#[message]",
            Marker::Started => "#[started]",
            Marker::Stopped => "#[stopped]",
            Marker::Terminated => "#[terminated]",
        }
    }
}

/// Returns the block without its markers and, unless the block as a whole cannot belong to an
/// actor, the model of it.
pub(crate) fn actor(options: Options, mut item: ItemImpl, errors: &mut Errors) -> (ItemImpl, Option<Actor>) {
    let name = check::block(&item, errors);
    let self_ty = (*item.self_ty).clone();
    let mut actor = Actor {
        options,
        name: name.clone().unwrap_or_else(|| Ident::new("Actor", Span::call_site())),
        generics: item.generics.clone(),
        cfgs: only(&item.attrs, &["cfg"]),
        messages: Vec::new(),
        started: Vec::new(),
        stopped: Vec::new(),
        terminated: Vec::new(),
        self_ty,
    };
    for member in &mut item.items {
        match member {
            ImplItem::Fn(method) => match take_marker(&mut method.attrs, errors) {
                Some(Marker::Message) => {
                    let message = message(method, &actor.self_ty, errors);
                    actor.messages.push(message);
                }
                Some(Marker::Started) => {
                    actor.started.push(hook(method, Marker::Started, errors));
                }
                Some(Marker::Stopped) => {
                    actor.stopped.push(hook(method, Marker::Stopped, errors));
                }
                Some(Marker::Terminated) => {
                    actor.terminated.push(hook(method, Marker::Terminated, errors));
                }
                None => {}
            },
            ImplItem::Const(item) => misplaced_marker(&mut item.attrs, errors),
            ImplItem::Type(item) => misplaced_marker(&mut item.attrs, errors),
            ImplItem::Macro(item) => misplaced_marker(&mut item.attrs, errors),
            _ => {}
        }
    }
    (item, name.map(|_| actor))
}

/// Removes the markers and returns the one that counts.
fn take_marker(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Option<Marker> {
    let mut found = None;
    attrs.retain(|attr| {
        let Some(marker) = Marker::of(attr) else { return true };
        match &attr.meta {
            Meta::Path(_) => {}
            Meta::List(_) | Meta::NameValue(_) => {
                errors.at(&attr.meta, &format!("`{}` takes no arguments", marker.name()));
            }
        }
        match found {
            None => found = Some(marker),
            Some(first) if first == marker => {
                errors.at(attr, &format!("`{}` is given twice", marker.name()));
            }
            Some(first) => {
                let (first, second) = (first.name(), marker.name());
                errors.at(attr, &format!("a method cannot be `{first}` and `{second}` at once"));
            }
        }
        false
    });
    found
}

fn misplaced_marker(attrs: &mut Vec<Attribute>, errors: &mut Errors) {
    attrs.retain(|attr| {
        let Some(marker) = Marker::of(attr) else { return true };
        errors.at(attr, &format!("`{}` goes on a method", marker.name()));
        false
    });
}

fn message(method: &mut ImplItemFn, self_ty: &Type, errors: &mut Errors) -> Message {
    let before = errors.len();
    check::signature(&method.sig, Marker::Message, errors);
    let params = params(&mut method.sig, Some(self_ty), errors);
    let outcome = outcome(&method.sig.output, self_ty);
    if let Outcome::Answer(ty) | Outcome::AnswerOrFault(ty) = &outcome {
        check::owned(ty, check::Place::Answer, errors);
    }
    let message = Message {
        variant: variant(&method.sig.ident),
        name: method.sig.ident.clone(),
        vis: method.vis.clone(),
        docs: only(&method.attrs, &["doc"]),
        cfgs: only(&method.attrs, &["cfg"]),
        deprecated: only(&method.attrs, &["deprecated"]).pop(),
        is_async: method.sig.asyncness.is_some(),
        params,
        outcome,
        sound: errors.len() == before,
    };
    // The shape of a message is given by what it carries and says, not by how
    // this handler happens to use it. First, so that the user's own win.
    method.attrs.insert(
        0,
        parse_quote!(#[allow(
            clippy::unused_async,
            clippy::unused_self,
            clippy::needless_pass_by_value,
            clippy::needless_pass_by_ref_mut,
            clippy::trivially_copy_pass_by_ref
        )]),
    );
    message
}

fn hook(method: &mut ImplItemFn, marker: Marker, errors: &mut Errors) -> Hook {
    let before = errors.len();
    check::signature(&method.sig, marker, errors);
    let params = params(&mut method.sig, None, errors);
    check::hook_params(marker, &params, errors);
    let outcome = outcome(&method.sig.output, &parse_quote!(Self));
    check::hook_outcome(&method.sig.output, marker, &outcome, errors);
    method.attrs.insert(
        0,
        parse_quote!(#[allow(
            clippy::unused_async,
            clippy::unused_self,
            clippy::unnecessary_wraps,
            clippy::needless_pass_by_ref_mut
        )]),
    );
    Hook {
        name: method.sig.ident.clone(),
        cfgs: only(&method.attrs, &["cfg"]),
        is_async: method.sig.asyncness.is_some(),
        params,
        may_fault: matches!(outcome, Outcome::MayFault),
        sound: errors.len() == before,
    }
}

/// Reads the arguments. In a message (`self_ty` is given) they are fields, except for the
/// context, and take their attributes along.
fn params(sig: &mut Signature, self_ty: Option<&Type>, errors: &mut Errors) -> Vec<Param> {
    let mut params = Vec::new();
    for input in &mut sig.inputs {
        let FnArg::Typed(arg) = input else { continue };
        let span = syn::spanned::Spanned::span(&arg.ty);
        if behind_reference(&arg.ty, "Context", true) {
            params.push(Param::Context(span));
            continue;
        }
        let Some(self_ty) = self_ty else {
            if behind_reference(&arg.ty, "StopReason", false) {
                params.push(Param::Reason(span));
            } else if is_named(&arg.ty, "Terminated") {
                params.push(Param::News(span));
            } else {
                check::foreign_hook_param(arg, errors);
            }
            continue;
        };
        check::owned(&arg.ty, check::Place::Argument, errors);
        check::argument_attrs(&arg.attrs, errors);
        let name = match &*arg.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => pat.ident.clone(),
            other => {
                errors.at(
                    other,
                    "an argument of a message is a field of it, so it needs a plain name\n\
                     help: take it apart in the body of the method",
                );
                continue;
            }
        };
        let (kept, moved) = arg.attrs.drain(..).partition(check::is_lint_attr);
        arg.attrs = kept;
        let field = Field { name, ty: without_self(&arg.ty, self_ty), attrs: moved };
        params.push(Param::Field(Box::new(field)));
    }
    params
}

fn outcome(output: &ReturnType, self_ty: &Type) -> Outcome {
    let ReturnType::Type(_, ty) = output else { return Outcome::Nothing };
    if is_unit(ty) {
        return Outcome::Nothing;
    }
    match value_or_fault(ty) {
        Some(value) if is_unit(value) => Outcome::MayFault,
        Some(value) => Outcome::AnswerOrFault(without_self(value, self_ty)),
        None => Outcome::Answer(without_self(ty, self_ty)),
    }
}

/// `add_all` as `AddAll`.
fn variant(method: &Ident) -> Ident {
    let mut name = String::new();
    for word in method.unraw().to_string().split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(letters);
    }
    // `_2` and `self_` are methods too.
    if name == "Self" || !name.starts_with(char::is_alphabetic) {
        name.insert(0, '_');
    }
    Ident::new(&name, method.span())
}

fn only(attrs: &[Attribute], names: &[&str]) -> Vec<Attribute> {
    let named = |attr: &&Attribute| names.iter().any(|name| attr.path().is_ident(name));
    attrs.iter().filter(named).cloned().collect()
}

/// Whether a receiver is `&self` or `&mut self`, be it written out as `self: &mut Self`.
pub(crate) fn is_borrowed_self(receiver: &Receiver) -> bool {
    if receiver.colon_token.is_none() {
        return receiver.reference.is_some();
    }
    matches!(&*receiver.ty, Type::Reference(reference)
        if matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("Self")))
}
