//! The macro on token streams: what it writes, and what it says. How the compiler takes both is
//! tested with the compile-fail cases of the workspace.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{File, Item};

use crate::actor_tokens;

/// Expands and parses, which also shows that what is written is a list of items.
fn expand(options: TokenStream, item: impl ToTokens) -> Vec<Item> {
    let tokens = actor_tokens(options, &item.to_token_stream());
    let file: File = syn::parse2(tokens).expect("items");
    file.items
}

/// The errors in the order of the report, without their help lines.
fn errors(options: TokenStream, item: TokenStream) -> Vec<String> {
    let mut errors = Vec::new();
    for item in expand(options, item) {
        let Item::Macro(item) = item else { break };
        assert_eq!(item.mac.path.to_token_stream().to_string(), ":: core :: compile_error");
        let text: syn::LitStr = item.mac.parse_body().expect("a string");
        errors.push(text.value().lines().next().unwrap_or_default().to_owned());
    }
    errors
}

/// An item as text, without its attributes and those of what it contains.
fn bare(item: &Item) -> String {
    let mut item = item.clone();
    syn::visit_mut::VisitMut::visit_item_mut(&mut WithoutAttributes, &mut item);
    one_line(item.into_token_stream())
}

/// Token for token, except that it does not matter whether a list ends in a comma.
fn one_line(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(" ,)", ")").replace(" , }", " }").replace(" , >", " >")
}

struct WithoutAttributes;

impl syn::visit_mut::VisitMut for WithoutAttributes {
    fn visit_attributes_mut(&mut self, attrs: &mut Vec<syn::Attribute>) {
        attrs.clear();
    }
}

/// As text, in the spacing of [`bare`]; through syn, since token streams space as they were made.
fn text(tokens: TokenStream) -> String {
    bare(&syn::parse2(tokens).expect("an item"))
}

#[track_caller]
fn assert_item(item: &Item, expected: TokenStream) {
    assert_eq!(bare(item), text(expected));
}

fn counter() -> TokenStream {
    quote! {
        impl Counter {
            #[message]
            async fn add(&mut self, n: u64) { self.total += n }
            #[message]
            fn total(&self) -> u64 { self.total }
            fn helper(&self) {}
        }
    }
}

#[test]
fn the_block_keeps_everything_but_the_markers() {
    let items = expand(quote!(), counter());
    assert_eq!(items.len(), 5);
    assert_item(
        &items[0],
        quote! {
            impl Counter {
                async fn add(&mut self, n: u64) { self.total += n }
                fn total(&self) -> u64 { self.total }
                fn helper(&self) {}
            }
        },
    );
}

#[test]
fn a_message_is_a_variant_with_named_fields() {
    assert_item(
        &expand(quote!(), counter())[1],
        quote! {
            pub enum CounterMsg {
                Add { n: u64 },
                Total { reply: ::tidegate::Reply<u64> }
            }
        },
    );
}

#[test]
fn the_handler_calls_by_path_and_answers() {
    assert_item(
        &expand(quote!(), counter())[2],
        quote! {
            impl ::tidegate::Actor for Counter {
                type Msg = CounterMsg;
                async fn handle(
                    &mut self,
                    msg: CounterMsg,
                    cx: &mut ::tidegate::Context<Self>,
                ) -> ::core::result::Result<(), ::tidegate::Fault> {
                    match msg {
                        CounterMsg::Add { n } => {
                            Self::add(self, n).await;
                            ::core::result::Result::Ok(())
                        }
                        CounterMsg::Total { reply } => {
                            let value = Self::total(self);
                            let _ = ::tidegate::Reply::send(reply, value);
                            ::core::result::Result::Ok(())
                        }
                    }
                }
                fn expired(message: &CounterMsg) -> bool {
                    match message {
                        CounterMsg::Total { reply, .. } => ::tidegate::Reply::is_unwanted(reply),
                        _ => false,
                    }
                }
            }
        },
    );
}

#[test]
fn only_what_is_answered_or_has_a_deadline_can_expire() {
    let expired = |item: TokenStream| {
        let text = bare(&expand(quote!(), item)[2]);
        text.split_once("fn expired").map(|(_, expired)| expired.to_owned())
    };
    assert_eq!(expired(quote!(impl A { #[message] fn go(&self, n: u8) {} })), None);
    let text = expired(quote! {
        impl A {
            #[message] fn go(&self, n: u8, until: tidegate::Deadline) {}
            #[message] fn query(&self, first: Deadline, second: Deadline) -> u8 { 1 }
            #[message] fn told(&self, all: Vec<Deadline>) {}
        }
    })
    .expect("two can");
    for arm in [
        quote!(AMsg::Go { until, .. } => ::tidegate::Deadline::has_passed(until)),
        quote!(AMsg::Query { reply, first, second, .. } => ::tidegate::Reply::is_unwanted(reply)
            || ::tidegate::Deadline::has_passed(first)
            || ::tidegate::Deadline::has_passed(second)),
    ] {
        assert!(text.contains(&one_line(arm.clone())), "{arm} is not in {text}");
    }
    assert!(!text.contains("Told"), "{text}");
}

#[test]
fn a_told_message_gives_two_methods_and_an_asked_one_gives_one() {
    let items = expand(quote!(), counter());
    assert_item(
        &items[3],
        quote! {
            trait CounterRef: ::core::borrow::Borrow<::tidegate::ActorRef<CounterMsg>> {
                fn add(&self, n: u64) -> impl ::core::future::Future<
                    Output = ::core::result::Result<
                        ::tidegate::Admission,
                        ::tidegate::SendError<CounterMsg>>
                > + ::core::marker::Send;
                fn try_add(&self, n: u64) -> ::core::result::Result<
                    ::tidegate::Admission,
                    ::tidegate::SendError<CounterMsg>>;
                fn total(&self) -> impl ::core::future::Future<
                    Output = ::core::result::Result<u64, ::tidegate::AskError<CounterMsg>>
                > + ::core::marker::Send;
            }
        },
    );
    let bodies = bare(&items[4]);
    let body = |body: TokenStream| bodies.contains(&one_line(body));
    assert!(body(quote!({ ::tidegate::ActorRef::tell(self, CounterMsg::Add { n }) })), "{bodies}");
    assert!(body(quote!(::tidegate::ActorRef::try_tell(self, CounterMsg::Add { n }))), "{bodies}");
    // As text: the formatter would shorten the tokens, which differ in hygiene.
    assert!(bodies.contains("CounterMsg :: Total { reply : reply }"), "{bodies}");
}

#[test]
fn hooks_take_what_they_ask_for_in_their_order() {
    let items = expand(
        quote!(),
        quote! {
            impl A {
                #[message] fn go(&self, a: u8, cx: &mut tidegate::Context<Self>, b: u8) {}
                #[started] fn begin(&mut self) {}
                #[stopped] async fn end(&mut self, cx: &mut Context<Self>, why: &StopReason) {}
            }
        },
    );
    let text = bare(&items[2]);
    for part in [
        quote!(AMsg::Go { a, b } => { Self::go(self, a, cx, b); ::core::result::Result::Ok(()) }),
        quote!({
            Self::begin(self);
            ::core::result::Result::Ok(())
        }),
        quote!({
            Self::end(self, cx, reason).await;
        }),
    ] {
        assert!(text.contains(&one_line(part.clone())), "{part} is not in {text}");
    }
}

#[test]
fn the_return_type_says_what_a_message_is() {
    let items = expand(
        quote!(),
        quote! {
            impl A {
                #[message] fn unit(&self) -> () {}
                #[message] fn may_fault(&self) -> Result<(), tidegate::Fault> { Ok(()) }
                #[message] fn answer(&self) -> Result<u8, String> { Ok(1) }
                #[message] fn answer_or_fault(&self) -> core::result::Result<u8, Fault> { Ok(1) }
                #[message] fn alias(&self) -> io::Result<Fault> { Ok(1) }
                #[message] fn same(self: &Self, all: Vec<Self>, n: [u8; Self::N]) -> Self { A }
            }
        },
    );
    assert_item(
        &items[1],
        quote! {
            pub enum AMsg {
                Unit,
                MayFault,
                Answer { reply: ::tidegate::Reply<Result<u8, String> > },
                AnswerOrFault { reply: ::tidegate::Reply<u8> },
                Alias { reply: ::tidegate::Reply<io::Result<Fault> > },
                Same { all: Vec<A>, n: [u8; <A>::N], reply: ::tidegate::Reply<A> }
            }
        },
    );
    let text = bare(&items[2]);
    let fallible = quote! {
        match Self::answer_or_fault(self) {
            ::core::result::Result::Ok(value) => {
                let _ = ::tidegate::Reply::send(reply, value);
                ::core::result::Result::Ok(())
            }
            ::core::result::Result::Err(fault) => ::core::result::Result::Err(fault),
        }
    };
    assert!(text.contains(&one_line(fallible)), "{text}");
    let direct = quote!(AMsg::MayFault {} => { Self::may_fault(self) });
    assert!(text.contains(&one_line(direct)), "{text}");
}

#[test]
fn the_messages_take_the_generics_they_use() {
    let items = expand(
        quote!(),
        quote! {
            impl<K: Hash, V, S: From<K>, const N: usize> m::Store<K, V, S, N>
            where V: Into<K>, S: Send, V: Send, Vec<V>: Send
            {
                #[message] fn put(&mut self, other: other::K, v: [V; N]) {}
            }
        },
    );
    assert_item(
        &items[1],
        quote! {
            pub enum StoreMsg<V, const N: usize> where V: Send, Vec<V>: Send {
                Put { other: other::K, v: [V; N] }
            }
        },
    );
    let text = bare(&items[2]);
    assert!(
        text.contains(
            &quote!(
                type Msg = StoreMsg<V, N>;
            )
            .to_string()
        ) && text.contains("S : From"),
        "{text}"
    );
}

#[test]
fn options_rename_and_derive() {
    let items = expand(
        quote!(msg = Order, api = Orders, crate = crate::facade, derive(Debug, serde::Serialize)),
        quote!(impl Shelf { #[message] fn put(&self, #[serde(default)] n: u8, #[allow(x)] m: u8) {} }),
    );
    let Item::Enum(item) = &items[1] else { panic!("the enum comes second") };
    assert_eq!(item.ident, "Order");
    let attrs = item.to_token_stream().to_string();
    assert!(attrs.contains(&quote!(#[derive(Debug, serde::Serialize)]).to_string()), "{attrs}");
    assert!(attrs.contains(&quote!(#[serde(default)] n: u8, m: u8).to_string()), "{attrs}");
    assert!(bare(&items[3]).starts_with("trait Orders"));
    assert!(bare(&items[4]).contains("crate :: facade :: ActorRef :: tell"));
    assert!(!bare(&items[4]).contains(":: tidegate"));
}

#[test]
fn the_trait_is_as_visible_as_the_most_visible_message() {
    let visibility = |first: TokenStream, second: TokenStream| {
        let items =
            expand(quote!(), quote!(impl A { #[message] #first fn a(&self) {} #[message] #second fn b(&self) {} }));
        let Item::Trait(item) = &items[3] else { panic!("the trait comes fourth") };
        let Item::Enum(messages) = &items[1] else { panic!("the enum comes second") };
        let attrs = &messages.attrs;
        let hidden = quote!(#(#attrs)*).to_string().contains("doc (hidden)");
        (item.vis.to_token_stream().to_string(), hidden)
    };
    assert_eq!(visibility(quote!(), quote!()), (String::new(), true));
    assert_eq!(visibility(quote!(), quote!(pub)), ("pub".into(), false));
    assert_eq!(visibility(quote!(pub), quote!(pub(crate))), ("pub".into(), false));
    assert_eq!(visibility(quote!(pub(super)), quote!()), ("pub (super)".into(), true));
    assert_eq!(visibility(quote!(pub(super)), quote!(pub(super))), ("pub (super)".into(), true));
    assert_eq!(visibility(quote!(pub(super)), quote!(pub(in crate::a))), ("pub (crate)".into(), true));
}

#[test]
fn docs_conditions_and_deprecations_carry_over() {
    let items = expand(
        quote!(),
        quote! {
            impl A {
                /// Says hello.
                #[message]
                #[cfg(feature = "hello")]
                #[deprecated]
                #[inline]
                fn hello(&self) {}
                #[message]
                fn try_hello(&self) {}
            }
        },
    );
    let cfg = quote!(#[cfg(feature = "hello")]).to_string();
    let count = |index: usize, part: &str| items[index].to_token_stream().to_string().matches(part).count();
    // Since `try_hello` is there already, `hello` is one method of the trait.
    assert_eq!([0, 1, 2, 3, 4].map(|item| count(item, &cfg)), [1, 1, 1, 1, 1]);
    assert_eq!([0, 1, 2, 3, 4].map(|item| count(item, "Says hello")), [1, 1, 0, 1, 0]);
    assert_eq!([0, 1, 3, 4].map(|item| count(item, "# [deprecated]")), [1, 0, 1, 0]);
    assert_eq!([0, 1, 2, 3, 4].map(|item| count(item, "# [inline]")), [1, 0, 0, 0, 0]);
    assert_eq!(count(3, "fn try_hello"), 1);
    assert_eq!(count(3, "fn try_try_hello"), 1);
}

#[test]
fn all_errors_are_reported_and_sound_messages_still_written() {
    let item = quote! {
        impl A {
            #[message] fn text(&self, text: &str) {}
            #[message] fn sound(&self, n: u8) {}
            #[message] fn gone(self) {}
            #[started] fn begin(&self) {}
            #[started] fn again(&self) {}
        }
    };
    assert_eq!(
        errors(quote!(size = 3), item.clone()),
        [
            "`#[actor]` has no option `size`",
            "a message owns its data, so it cannot borrow",
            "a `#[message]` method borrows the actor, which lives on after it",
            "an actor has one `#[started]` method, and `begin` is it already",
        ]
    );
    let items = expand(quote!(), item);
    assert_item(
        &items[4],
        quote!(
            pub enum AMsg {
                Sound { n: u8 },
            }
        ),
    );
    assert!(bare(&items[5]).contains("Self :: begin"));
}

#[test]
fn a_block_that_is_no_actors_is_left_alone() {
    let item = quote!(impl Clone for A { fn clone(&self) -> Self { A } });
    assert_eq!(errors(quote!(), item.clone()).len(), 1);
    assert_eq!(expand(quote!(), item).len(), 2);

    let item = quote!(
        impl<'a> A<'a> {
            #[message]
            fn a(&self) {}
        }
    );
    assert_eq!(errors(quote!(), item.clone()).len(), 1);
    assert_eq!(expand(quote!(), item).len(), 2);
}

#[test]
fn tokens_that_are_no_item_are_kept_beside_the_error() {
    let tokens = actor_tokens(quote!(), &quote!(impl A { fn })).to_string();
    assert!(tokens.contains("compile_error"), "{tokens}");
    assert!(tokens.ends_with(&quote!(impl A { fn }).to_string()), "{tokens}");
}

/// The public methods with a receiver in the inherent impl blocks of `ActorRef`.
fn actor_ref_methods(source: &str) -> Vec<String> {
    let mut methods = Vec::new();
    for item in syn::parse_file(source).expect("a Rust file").items {
        let Item::Impl(block) = item else { continue };
        let ty = block.self_ty.to_token_stream().to_string();
        if block.trait_.is_some() || !ty.starts_with("ActorRef <") {
            continue;
        }
        for member in block.items {
            let syn::ImplItem::Fn(method) = member else { continue };
            if matches!(method.vis, syn::Visibility::Public(_)) && method.sig.receiver().is_some() {
                methods.push(method.sig.ident.to_string());
            }
        }
    }
    methods
}

fn rust_files(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// A message with the name of such a method could not be sent by that name: the method would be
/// called, and the user would wonder about its type.
#[test]
fn every_method_of_actor_ref_is_a_taken_name() {
    let runtime = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    // Packaged, the macro crate stands alone.
    if !runtime.join("lib.rs").exists() {
        return;
    }
    let mut files = Vec::new();
    rust_files(&runtime, &mut files);
    let methods: Vec<String> =
        files.iter().flat_map(|file| actor_ref_methods(&std::fs::read_to_string(file).expect("a file"))).collect();
    assert!(methods.iter().any(|name| name == "tell"), "no methods of `ActorRef` found");
    for name in methods {
        assert!(crate::check::TAKEN.contains(&name.as_str()), "`{name}` is missing in `TAKEN`");
    }
}
