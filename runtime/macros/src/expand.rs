//! Prints the items of a checked actor: enum, `impl Actor`, trait, and the trait's impl.
//!
//! Hygiene: items of the standard library are named through `::core`, those of the runtime
//! through the `crate` option, and locals are `mixed_site`, so nothing that a user has in scope
//! can get in between. What the user names (methods, arguments, types) keeps its own span, so
//! that the compiler's errors about it point into the user's code.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, GenericParam, Generics, ItemImpl, Path, Type, Visibility, parse_quote};

use crate::parse::{Actor, Hook, Message, Outcome, Param};
use crate::types::mentions;

pub(crate) fn actor(item: &ItemImpl, actor: &Actor) -> TokenStream {
    let names = Names::new(actor);
    let message_enum = message_enum(actor, &names);
    let actor_impl = actor_impl(actor, &names);
    let api = api(actor, &names);
    quote! {
        #item
        #message_enum
        #actor_impl
        #api
    }
}

/// What several of the items mention.
struct Names<'a> {
    krate: &'a Path,
    msg: Ident,
    api: Ident,
    /// The part of the impl block's generics that the messages need.
    generics: Generics,
    /// The enum with its arguments.
    msg_ty: TokenStream,
    cfgs: &'a [Attribute],
    cx: Ident,
}

impl<'a> Names<'a> {
    fn new(actor: &'a Actor) -> Self {
        let options = &actor.options;
        let msg = options.msg.clone().unwrap_or_else(|| format_ident!("{}Msg", actor.name));
        let api = options.api.clone().unwrap_or_else(|| format_ident!("{}Ref", actor.name));
        let generics = used_generics(actor);
        let arguments = generics.split_for_impl().1;
        let msg_ty = quote!(#msg #arguments);
        Names {
            krate: &options.krate,
            msg,
            api,
            generics,
            msg_ty,
            cfgs: &actor.cfgs,
            cx: Ident::new("cx", Span::mixed_site()),
        }
    }
}

fn message_enum(actor: &Actor, names: &Names<'_>) -> TokenStream {
    let Names { krate, msg, generics, cfgs, .. } = names;
    let (_, _, where_clause) = generics.split_for_impl();
    let variants = actor.messages.iter().map(|message| {
        let Message { variant, docs, cfgs, .. } = message;
        let fields = message.fields().map(|field| {
            let (name, ty, attrs) = (&field.name, &field.ty, &field.attrs);
            quote!(#(#attrs)* #name: #ty)
        });
        let reply = message.answer().map(|ty| {
            quote! {
                /// Where the answer goes.
                reply: #krate::Reply<#ty>
            }
        });
        let mut fields = fields.chain(reply).peekable();
        let fields = fields.peek().is_some().then(|| quote!({ #(#fields),* }));
        let hidden = private_part(actor, message);
        quote!(#(#docs)* #hidden #(#cfgs)* #variant #fields)
    });
    let derives = &actor.options.derives;
    let derive = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
    let hidden = (!is_public(&api_visibility(&actor.messages))).then(|| quote!(#[doc(hidden)]));
    let doc = format!("The messages of `{}`.", actor.name);
    quote! {
        #[doc = #doc]
        #(#cfgs)*
        #hidden
        #derive
        #[allow(
            dead_code,
            missing_docs,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            clippy::enum_variant_names
        )]
        pub enum #msg #generics #where_clause {
            #(#variants),*
        }
    }
}

fn actor_impl(actor: &Actor, names: &Names<'_>) -> TokenStream {
    let Names { krate, msg_ty, cfgs, cx, .. } = names;
    let self_ty = &actor.self_ty;
    let (impl_generics, _, where_clause) = actor.generics.split_for_impl();
    let msg = Ident::new("msg", Span::mixed_site());
    let reason = Ident::new("reason", Span::mixed_site());
    let arms = actor.messages.iter().map(|message| arm(message, names));
    let started = actor.started.iter().map(|hook| {
        let cfgs = &hook.cfgs;
        let call = call(&hook.name, hook.is_async, &hook_arguments(hook, cx, &reason));
        let body = if hook.may_fault { call } else { quote!(#call; ::core::result::Result::Ok(())) };
        quote! {
            #(#cfgs)*
            async fn started(
                &mut self,
                #cx: &mut #krate::Context<Self>,
            ) -> ::core::result::Result<(), #krate::Fault> {
                #body
            }
        }
    });
    let expired = expired(actor, names);
    let stopped = actor.stopped.iter().map(|hook| {
        let cfgs = &hook.cfgs;
        let call = call(&hook.name, hook.is_async, &hook_arguments(hook, cx, &reason));
        quote! {
            #(#cfgs)*
            async fn stopped(&mut self, #reason: &#krate::StopReason, #cx: &mut #krate::Context<Self>) {
                #call;
            }
        }
    });
    let terminated = actor.terminated.iter().map(|hook| {
        let cfgs = &hook.cfgs;
        let call = call(&hook.name, hook.is_async, &hook_arguments(hook, cx, &reason));
        let body = if hook.may_fault { call } else { quote!(#call; ::core::result::Result::Ok(())) };
        quote! {
            #(#cfgs)*
            async fn terminated(
                &mut self,
                #reason: #krate::Terminated,
                #cx: &mut #krate::Context<Self>,
            ) -> ::core::result::Result<(), #krate::Fault> {
                #body
            }
        }
    });
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(deprecated, unused_variables, clippy::all, clippy::pedantic)]
        impl #impl_generics #krate::Actor for #self_ty #where_clause {
            type Msg = #msg_ty;

            async fn handle(
                &mut self,
                #msg: #msg_ty,
                #cx: &mut #krate::Context<Self>,
            ) -> ::core::result::Result<(), #krate::Fault> {
                match #msg {
                    #(#arms)*
                }
            }

            #expired
            #(#started)*
            #(#stopped)*
            #(#terminated)*
        }
    }
}

/// Which messages are not worth handling any more: the answered ones whose asker has gone, and
/// those with a deadline that is past. Nothing if no message can be.
fn expired(actor: &Actor, names: &Names<'_>) -> Option<TokenStream> {
    let Names { krate, msg, msg_ty, .. } = names;
    let message = Ident::new("message", Span::mixed_site());
    let arms: Vec<_> = actor
        .messages
        .iter()
        .filter_map(|mortal| {
            let Message { variant, cfgs, .. } = mortal;
            let until: Vec<_> = mortal.deadlines().map(|field| &field.name).collect();
            let reply = mortal.answer().map(|_| quote!(reply,));
            let gone = mortal.answer().map(|_| quote!(#krate::Reply::is_unwanted(reply)));
            let past = until.iter().map(|until| quote!(#krate::Deadline::has_passed(#until)));
            let tests: Vec<_> = gone.into_iter().chain(past).collect();
            (!tests.is_empty()).then(|| quote!(#(#cfgs)* #msg::#variant { #reply #(#until,)* .. } => #(#tests)||*,))
        })
        .collect();
    (!arms.is_empty()).then(|| {
        quote! {
            fn expired(#message: &#msg_ty) -> bool {
                #[allow(unreachable_patterns)]
                match #message {
                    #(#arms)*
                    _ => false,
                }
            }
        }
    })
}

/// Takes a message apart, calls its method, and deals with what that returns.
fn arm(message: &Message, names: &Names<'_>) -> TokenStream {
    let Names { krate, msg, cx, .. } = names;
    let Message { variant, cfgs, .. } = message;
    let fields = message.fields().map(|field| &field.name);
    let reply = message.answer().map(|_| quote!(reply));
    let fields = fields.map(ToTokens::to_token_stream).chain(reply);
    let arguments: Vec<_> = message
        .params
        .iter()
        .map(|param| match param {
            Param::Field(field) => field.name.to_token_stream(),
            Param::Context(span) | Param::Reason(span) | Param::News(span) => at(cx, *span),
        })
        .collect();
    let call = call(&message.name, message.is_async, &arguments);
    let (value, fault) = (Ident::new("value", Span::mixed_site()), Ident::new("fault", Span::mixed_site()));
    let answer = quote! {
        let _ = #krate::Reply::send(reply, #value);
        ::core::result::Result::Ok(())
    };
    let body = match &message.outcome {
        Outcome::Nothing => quote!(#call; ::core::result::Result::Ok(())),
        Outcome::MayFault => call,
        Outcome::Answer(_) => quote!(let #value = #call; #answer),
        Outcome::AnswerOrFault(_) => quote! {
            match #call {
                ::core::result::Result::Ok(#value) => { #answer }
                ::core::result::Result::Err(#fault) => ::core::result::Result::Err(#fault),
            }
        },
    };
    quote!(#(#cfgs)* #msg::#variant { #(#fields),* } => { #body })
}

/// `Self::add(self, n).await`: by path, so that no trait in scope can be meant.
fn call(method: &Ident, is_async: bool, arguments: &[TokenStream]) -> TokenStream {
    let wait = is_async.then(|| quote!(.await));
    quote!(Self::#method(self #(, #arguments)*) #wait)
}

fn hook_arguments(hook: &Hook, cx: &Ident, reason: &Ident) -> Vec<TokenStream> {
    let argument = |param: &Param| match param {
        Param::Context(span) => Some(at(cx, *span)),
        // A hook takes one of the two at most: they share a local.
        Param::Reason(span) | Param::News(span) => Some(at(reason, *span)),
        Param::Field(_) => None,
    };
    hook.params.iter().filter_map(argument).collect()
}

/// A local of ours, which errors find at the user's argument: `&mut Context<Other>` is one.
fn at(local: &Ident, span: Span) -> TokenStream {
    let mut local = local.clone();
    local.set_span(local.span().located_at(span));
    local.into_token_stream()
}

/// The trait and its impl for `ActorRef`.
fn api(actor: &Actor, names: &Names<'_>) -> TokenStream {
    let Names { krate, api, generics, msg_ty, cfgs, .. } = names;
    let (impl_generics, arguments, where_clause) = generics.split_for_impl();
    let vis = api_visibility(&actor.messages);
    let doc = format!("The messages of `{}` as methods of its `ActorRef`.", actor.name);
    let declarations = actor.messages.iter().map(|message| {
        let methods = ref_methods(actor, message, names);
        methods
            .into_iter()
            .map(|method| {
                let RefMethod { attrs, signature, .. } = method;
                quote!(#attrs #signature;)
            })
            .collect::<TokenStream>()
    });
    let definitions = actor.messages.iter().map(|message| {
        let cfgs = &message.cfgs;
        let methods = ref_methods(actor, message, names);
        methods
            .into_iter()
            .map(|method| {
                let RefMethod { signature, body, .. } = method;
                quote!(#(#cfgs)* #signature { #body })
            })
            .collect::<TokenStream>()
    });
    let lints = quote! {
        #[allow(
            dead_code,
            deprecated,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            clippy::all,
            clippy::pedantic
        )]
    };
    quote! {
        #[doc = #doc]
        ///
        /// Only an `ActorRef` is meant to implement this: every new message adds a method.
        #(#cfgs)*
        #lints
        #vis trait #api #generics: ::core::borrow::Borrow<#krate::ActorRef<#msg_ty>> #where_clause {
            #(#declarations)*
        }

        #(#cfgs)*
        #[automatically_derived]
        #lints
        impl #impl_generics #api #arguments for #krate::ActorRef<#msg_ty> #where_clause {
            #(#definitions)*
        }
    }
}

/// One method of the trait. `attrs` go on the declaration only.
struct RefMethod {
    attrs: TokenStream,
    signature: TokenStream,
    body: TokenStream,
}

fn ref_methods(actor: &Actor, message: &Message, names: &Names<'_>) -> Vec<RefMethod> {
    let Names { krate, msg, msg_ty, .. } = names;
    let Message { name, variant, cfgs, deprecated, .. } = message;
    let fields: Vec<_> = message.fields().map(|field| &field.name).collect();
    let types = message.fields().map(|field| &field.ty);
    let arguments = quote!(#(, #fields: #types)*);
    let result = |value: &TokenStream, error: &str| {
        let error = Ident::new(error, Span::call_site());
        quote!(::core::result::Result<#value, #krate::#error<#msg_ty>>)
    };
    let future = |output: &TokenStream| quote!(impl ::core::future::Future<Output = #output> + ::core::marker::Send);
    let hidden = private_part(actor, message);
    let attrs = |docs: TokenStream| quote!(#docs #hidden #(#cfgs)* #deprecated);

    if let Some(answer) = message.answer() {
        let output = future(&result(&answer.to_token_stream(), "AskError"));
        let reply = Ident::new("reply", Span::mixed_site());
        return vec![RefMethod {
            attrs: attrs(docs(
                message,
                names,
                "An `AskError` if the message was not accepted, or was and is not going to be answered.",
            )),
            signature: quote!(fn #name(&self #arguments) -> #output),
            body: quote! {
                #krate::ActorRef::ask(
                    self,
                    move |#reply: #krate::Reply<#answer>| #msg::#variant { #(#fields,)* reply: #reply },
                )
            },
        }];
    }

    let output = result(&quote!(#krate::Admission), "SendError");
    let waiting = future(&output);
    let mut methods = vec![RefMethod {
        attrs: attrs(docs(message, names, "A `SendError` with the message in it, if the mailbox does not accept it.")),
        signature: quote!(fn #name(&self #arguments) -> #waiting),
        body: quote!(#krate::ActorRef::tell(self, #msg::#variant { #(#fields),* })),
    }];
    let try_name = format_ident!("try_{}", name);
    if actor.messages.iter().all(|other| other.name != try_name) {
        let doc = format!("Sends what `{name}` does if the mailbox accepts it at once.");
        methods.push(RefMethod {
            attrs: attrs(quote! {
                #[doc = #doc]
                ///
                /// # Errors
                ///
                /// A `SendError` with the message in it, if the mailbox does not accept it now.
            }),
            signature: quote!(fn #try_name(&self #arguments) -> #output),
            body: quote!(#krate::ActorRef::try_tell(self, #msg::#variant { #(#fields),* })),
        });
    }
    methods
}

/// The user's words, and the error section if there is none yet.
fn docs(message: &Message, names: &Names<'_>, errors: &str) -> TokenStream {
    let docs = &message.docs;
    let first = docs.is_empty().then(|| {
        let doc = format!("Sends `{}::{}`.", names.msg, message.variant);
        quote!(#[doc = #doc])
    });
    let has_errors = docs.iter().any(|doc| doc.to_token_stream().to_string().contains("# Errors"));
    let errors = (!has_errors).then(|| {
        quote! {
            ///
            /// # Errors
            ///
            #[doc = #errors]
        }
    });
    quote!(#first #(#docs)* #errors)
}

/// The widest visibility among the messages; of different restricted ones, the whole crate.
fn api_visibility(messages: &[Message]) -> Visibility {
    let mut widest = Visibility::Inherited;
    for message in messages {
        widest = match (&widest, &message.vis) {
            (_, Visibility::Inherited) => continue,
            (Visibility::Public(_), _) => break,
            (Visibility::Inherited, vis) | (_, vis @ Visibility::Public(_)) => vis.clone(),
            (Visibility::Restricted(a), Visibility::Restricted(b)) => {
                if a.to_token_stream().to_string() == b.to_token_stream().to_string() {
                    continue;
                }
                parse_quote!(pub(crate))
            }
        };
    }
    widest
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

/// Keeps out of the documentation what other messages have made public.
fn private_part(actor: &Actor, message: &Message) -> Option<TokenStream> {
    let hide = is_public(&api_visibility(&actor.messages)) && !is_public(&message.vis);
    hide.then(|| quote!(#[doc(hidden)]))
}

/// The parameters of the impl block that occur in a message, with the bounds that need no others.
///
/// The enum would not compile with a parameter that it does not use, and a parameter that only
/// the actor uses is none of its senders' business.
fn used_generics(actor: &Actor) -> Generics {
    let types: Vec<TokenStream> = actor
        .messages
        .iter()
        .flat_map(|message| message.fields().map(|field| &field.ty).chain(message.answer()))
        .map(Type::to_token_stream)
        .collect();
    let name = |param: &GenericParam| match param {
        GenericParam::Type(param) => Some(param.ident.clone()),
        GenericParam::Const(param) => Some(param.ident.clone()),
        GenericParam::Lifetime(_) => None,
    };
    let (used, unused): (Vec<_>, Vec<_>) = actor
        .generics
        .params
        .iter()
        .partition(|param| name(param).is_some_and(|name| types.iter().any(|ty| mentions(ty.clone(), &name))));
    let unused: Vec<Ident> = unused.into_iter().filter_map(name).collect();
    let free_of_unused = |tokens: TokenStream| !unused.iter().any(|name| mentions(tokens.clone(), name));

    let mut generics = Generics::default();
    for param in used {
        let mut param = param.clone();
        if let GenericParam::Type(param) = &mut param {
            let bounds = std::mem::take(&mut param.bounds).into_iter();
            param.bounds = bounds.filter(|bound| free_of_unused(bound.to_token_stream())).collect();
        }
        generics.params.push(param);
    }
    if let Some(clause) = &actor.generics.where_clause {
        let kept: Punctuated<_, syn::Token![,]> = clause
            .predicates
            .iter()
            .filter(|predicate| {
                let tokens = predicate.to_token_stream();
                let used = generics.params.iter().filter_map(name);
                used.into_iter().any(|name| mentions(tokens.clone(), &name)) && free_of_unused(tokens)
            })
            .cloned()
            .collect();
        if !kept.is_empty() {
            generics.make_where_clause().predicates = kept;
        }
    }
    generics
}
