//! The rules for an actor's impl block, and the errors for breaking them.
//!
//! Every message says what is wrong, in the words of an actor rather than of the macro, and
//! ends in a `help:` line where there is something to do about it.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, FnArg, GenericParam, ItemImpl, Lifetime, ParenthesizedGenericArguments, PatType, ReturnType, Signature,
    TraitBound, Type, TypeReference,
};

use crate::parse::{Actor, Hook, Marker, Message, Outcome, Param, is_borrowed_self};
use crate::types::behind_reference;

/// Collects errors, so that all of them are reported at once.
#[derive(Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    pub(crate) fn at(&mut self, tokens: &dyn ToTokens, message: &str) {
        self.push(syn::Error::new_spanned(tokens.to_token_stream(), message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them as one, if there are any.
    pub(crate) fn finish(self) -> Option<syn::Error> {
        self.0.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        })
    }
}

/// Checks the head of the block. `None` if it is not that of an actor, whatever its methods.
pub(crate) fn block(item: &ItemImpl, errors: &mut Errors) -> Option<Ident> {
    let before = errors.len();
    if let Some((bang, path, _)) = &item.trait_ {
        let mut head = bang.to_token_stream();
        path.to_tokens(&mut head);
        errors.at(
            &head,
            "`#[actor]` goes on the actor's own impl block, not on that of a trait\n\
             help: it writes `impl Actor` itself",
        );
        return None;
    }
    for param in &item.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            errors.at(
                lifetime,
                "an actor owns its state, so its type cannot have a lifetime\n\
                 help: own what is borrowed, or share it in an `Arc`",
            );
        }
    }
    let mut self_ty = (*item.self_ty).clone();
    Lifetimes { declared: &item.generics, errors }.visit_type_mut(&mut self_ty);
    let name = match &*item.self_ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    };
    if name.is_none() {
        errors.at(&item.self_ty, "an actor needs a type of its own, from whose name those of its messages are made");
    }
    name.filter(|_| errors.len() == before).map(|segment| segment.ident.clone())
}

/// Reports lifetimes in the actor's type that the generics have not already been blamed for.
struct Lifetimes<'a> {
    declared: &'a syn::Generics,
    errors: &'a mut Errors,
}

impl VisitMut for Lifetimes<'_> {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        let declared = self.declared.lifetimes().any(|param| param.lifetime == *lifetime);
        if lifetime.ident != "static" && !declared {
            self.errors.at(
                lifetime,
                "an actor owns its state, so its type cannot have a lifetime\n\
                 help: own what is borrowed, or share it in an `Arc`",
            );
        }
    }
}

/// Checks what must hold for every marked method.
pub(crate) fn signature(sig: &Signature, marker: Marker, errors: &mut Errors) {
    let name = marker.name();
    match sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) if is_borrowed_self(receiver) => {}
        Some(FnArg::Receiver(receiver)) => errors.at(
            receiver,
            &format!(
                "a `{name}` method borrows the actor, which lives on after it\n\
                 help: take `&mut self` or `&self`"
            ),
        ),
        _ => errors.at(
            &sig.ident,
            &format!("a `{name}` method is called on the actor\nhelp: take `&mut self` or `&self` first"),
        ),
    }
    if !sig.generics.params.is_empty() {
        errors.at(
            &sig.generics,
            &format!(
                "a `{name}` method cannot be generic: a mailbox holds messages of known types\n\
                 help: make the actor generic, as in `impl<T> Worker<T>`, or use concrete types"
            ),
        );
    } else if let Some(clause) = &sig.generics.where_clause {
        errors.at(
            clause,
            &format!(
                "a `{name}` method cannot have bounds of its own\n\
                 help: move them to the impl block"
            ),
        );
    }
    if let Some(keyword) = &sig.unsafety {
        errors.at(keyword, &format!("a `{name}` method cannot be unsafe: whoever sends a message vouches for nothing"));
    }
    let context = |input: &&FnArg| matches!(input, FnArg::Typed(arg) if behind_reference(&arg.ty, "Context", true));
    for extra in sig.inputs.iter().filter(context).skip(1) {
        errors.at(extra, "an actor has one context, so one argument of this type is enough");
    }
}

/// Where a type that must own its data stands.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Argument,
    Answer,
}

/// Reports what in `ty` borrows or is not a type that a field could have.
pub(crate) fn owned(ty: &Type, place: Place, errors: &mut Errors) {
    Owned { place, errors }.visit_type_mut(&mut ty.clone());
}

struct Owned<'a> {
    place: Place,
    errors: &'a mut Errors,
}

impl Owned<'_> {
    fn subject(&self) -> &'static str {
        match self.place {
            Place::Argument => "a message owns its data",
            Place::Answer => "an answer owns its data",
        }
    }

    fn reference(&mut self, reference: &TypeReference) {
        let subject = self.subject();
        let instead = match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => "use a `String`".to_owned(),
            Type::Slice(slice) => {
                format!("use a `Vec<{}>`", slice.elem.to_token_stream().to_string().replace(' ', ""))
            }
            _ if behind_reference(&Type::Reference(reference.clone()), "Context", false) => {
                "take the context as `&mut Context<Self>`".to_owned()
            }
            _ => "use the type itself, or share it in an `Arc`".to_owned(),
        };
        self.errors.at(reference, &format!("{subject}, so it cannot borrow\nhelp: {instead}"));
    }
}

impl VisitMut for Owned<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::Reference(reference) if !is_static(reference.lifetime.as_ref()) => {
                self.reference(reference);
            }
            Type::ImplTrait(opaque) => {
                let message = match self.place {
                    Place::Argument => {
                        "a message is stored, so its fields need types with a name\n\
                         help: use a concrete type, a type parameter of the impl block, or a `Box<dyn ..>`"
                    }
                    Place::Answer => {
                        "an answer is stored, so it needs a type with a name\n\
                         help: use a concrete type or a `Box<dyn ..>`; for a future, make the method an `async fn`"
                    }
                };
                self.errors.at(opaque, message);
            }
            // The references in `fn(&str)` are those of a later call.
            Type::BareFn(_) => {}
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if !is_static(Some(lifetime)) {
            let subject = self.subject();
            self.errors.at(lifetime, &format!("{subject}, so it cannot borrow\nhelp: use an owned type, or `'static`"));
        }
    }

    // So are those in `Fn(&str)` and in `for<'a> Fn(&'a str)`.
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}

    fn visit_trait_bound_mut(&mut self, bound: &mut TraitBound) {
        if bound.lifetimes.is_none() {
            visit_mut::visit_trait_bound_mut(self, bound);
        }
    }
}

fn is_static(lifetime: Option<&Lifetime>) -> bool {
    lifetime.is_some_and(|lifetime| lifetime.ident == "static")
}

pub(crate) fn is_lint_attr(attr: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|name| attr.path().is_ident(name))
}

pub(crate) fn argument_attrs(attrs: &[Attribute], errors: &mut Errors) {
    for attr in attrs.iter().filter(|a| a.path().is_ident("cfg") || a.path().is_ident("cfg_attr")) {
        errors.at(
            attr,
            "an argument of a message cannot be conditional\n\
             help: put the `#[cfg]` on the method and write it twice",
        );
    }
}

pub(crate) fn foreign_hook_param(arg: &PatType, errors: &mut Errors) {
    errors.at(
        arg,
        "a hook is called by the runtime, which has nothing to pass here\n\
         help: `#[started]` can take a `&mut Context<Self>`, `#[stopped]` that and a `&StopReason`, \
         `#[terminated]` that and a `Terminated`",
    );
}

pub(crate) fn hook_params(marker: Marker, params: &[Param], errors: &mut Errors) {
    let news = params.iter().filter_map(|param| match param {
        Param::News(span) => Some(*span),
        _ => None,
    });
    for span in news.skip(usize::from(marker == Marker::Terminated)) {
        errors.push(syn::Error::new(
            span,
            match marker {
                Marker::Terminated => "one actor has ended, so one argument of this type is enough",
                _ => "no watched actor has ended here\nhelp: take it in a `#[terminated]` method",
            },
        ));
    }
    let reasons = params.iter().filter_map(|param| match param {
        Param::Reason(span) => Some(*span),
        _ => None,
    });
    for span in reasons.skip(usize::from(marker == Marker::Stopped)) {
        errors.push(syn::Error::new(
            span,
            match marker {
                Marker::Stopped => "an actor stops for one reason, so one argument of this type is enough",
                _ => "there is no reason to stop yet when an actor starts\nhelp: take it in a `#[stopped]` method",
            },
        ));
    }
}

pub(crate) fn hook_outcome(output: &ReturnType, marker: Marker, outcome: &Outcome, errors: &mut Errors) {
    match (marker, outcome) {
        (_, Outcome::Nothing) | (Marker::Started | Marker::Terminated, Outcome::MayFault) => {}
        (Marker::Started | Marker::Terminated, _) => {
            errors.at(output, &format!("a `{}` method returns nothing or `Result<(), Fault>`", marker.name()));
        }
        _ => errors.at(output, "a `#[stopped]` method returns nothing: the actor is gone, and nobody could act on it"),
    }
}

/// Names that a call on an `ActorRef` would find before the generated trait. The methods of the
/// type itself come first, then those of the traits that every scope has.
pub(crate) const TAKEN: &[&str] = &[
    "activity",
    "ask",
    "ask_within",
    "blocking_ask",
    "blocking_tell",
    "capacity",
    "downgrade",
    "drain",
    "free",
    "id",
    "is_closed",
    "is_empty",
    "kill",
    "len",
    "map",
    "mode",
    "path",
    "pressure",
    "reconfigure",
    "reserve",
    "reserve_many",
    "stats",
    "stop",
    "stop_reason",
    "stopped",
    "tell",
    "tell_within",
    "try_reserve",
    "try_tell",
    // Clone, PartialEq, Hash, Debug, ToOwned, Into
    "clone",
    "clone_from",
    "eq",
    "ne",
    "hash",
    "fmt",
    "to_owned",
    "into",
    "try_into",
];

/// Checks what holds between the parts of an actor, and leaves only those that are sound.
pub(crate) fn actor(actor: &mut Actor, errors: &mut Errors) {
    if actor.messages.is_empty() {
        errors.at(&actor.self_ty, "this actor has no messages\nhelp: mark at least one method with `#[message]`");
    }
    for index in 0..actor.messages.len() {
        let before = errors.len();
        let (earlier, rest) = actor.messages.split_at(index);
        message(&rest[0], earlier, errors);
        actor.messages[index].sound &= errors.len() == before;
    }
    actor.messages.retain(|message| message.sound);
    one_hook(&mut actor.started, Marker::Started, errors);
    one_hook(&mut actor.stopped, Marker::Stopped, errors);
    one_hook(&mut actor.terminated, Marker::Terminated, errors);
}

fn message(message: &Message, earlier: &[Message], errors: &mut Errors) {
    let name = message.name.unraw().to_string();
    if TAKEN.contains(&name.as_str()) {
        errors.at(
            &message.name,
            &format!(
                "a message cannot be named `{name}`: every `ActorRef` has a method of that name, \
                 which would be called instead\nhelp: choose another name"
            ),
        );
    }
    let clash =
        earlier.iter().find(|earlier| earlier.variant == message.variant && !exclusive(&earlier.cfgs, &message.cfgs));
    if let Some(earlier) = clash {
        errors.at(
            &message.name,
            &format!(
                "the messages `{}` and `{}` would both be the variant `{}`\nhelp: rename one",
                earlier.name, message.name, message.variant
            ),
        );
    }
    if message.answer().is_some() {
        for field in message.fields().filter(|field| field.name == "reply") {
            errors.at(
                &field.name,
                "the field `reply` of a message that is answered is where the answer goes\n\
                 help: choose another name",
            );
        }
    }
}

fn one_hook(hooks: &mut Vec<Hook>, marker: Marker, errors: &mut Errors) {
    for index in 1..hooks.len() {
        let hook = &hooks[index];
        let clash = hooks[..index].iter().find(|earlier| !exclusive(&earlier.cfgs, &hook.cfgs));
        if let Some(earlier) = clash {
            errors.at(
                &hook.name,
                &format!(
                    "an actor has one `{}` method, and `{}` is it already\n\
                     help: call one from the other",
                    marker.name(),
                    earlier.name
                ),
            );
            hooks[index].sound = false;
        }
    }
    hooks.retain(|hook| hook.sound);
}

/// Whether two methods may be meant for different builds; the compiler knows whether they are.
fn exclusive(a: &[Attribute], b: &[Attribute]) -> bool {
    !a.is_empty() && !b.is_empty()
}
