//! `#[explore_test]`: a body that is explored, and runs on tokio as well.
//!
//! From `#[explore_test(delays = 2)] async fn held(sim: Sim) { .. }` it writes
//!
//! ```text
//! async fn held(sim: Sim) { .. }
//!
//! mod held {
//!     use super::*;
//!     #[test] fn explored() { /* harness::explored(name, explorer, super::held) */ }
//!     #[test] fn on_tokio() { /* harness::on_tokio(name, times, super::held) */ }
//! }
//! ```
//!
//! A module and a function may have one name. The options are written within the
//! module, where everything is in scope that is in scope at the attribute.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::parse::Parser;
use syn::{Attribute, Expr, ItemFn, Path, Token, parse_quote};

use crate::check::Errors;

/// How the test is run.
struct Options {
    krate: Path,
    strategy: Option<TokenStream>,
    on_tokio: Option<Expr>,
    /// Calls on the explorer, in the order in which they were written.
    calls: Vec<TokenStream>,
    /// Changes it in any other way.
    with: Option<Expr>,
}

const OPTIONS: &str = "`strategy`, `delays`, `schedules`, `seconds`, `steps`, `seed`, `faults`, `on_tokio`, `with` and \
                       `crate`";

impl Options {
    fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options =
            Self { krate: parse_quote!(::tidegate), strategy: None, on_tokio: None, calls: Vec::new(), with: None };
        let mut seen = Vec::<String>::new();
        let parser = syn::meta::parser(|meta| {
            let name = meta.path.to_token_stream().to_string();
            if seen.contains(&name) {
                return Err(meta.error(format!("`{name}` is given twice")));
            }
            let value = |meta: &syn::meta::ParseNestedMeta<'_>| -> syn::Result<Expr> { meta.value()?.parse() };
            if OPTIONS.contains(&format!("`{name}`")) && !meta.input.peek(Token![=]) {
                return Err(meta.error(format!("`{name}` needs a value\nhelp: `{name} = ..`")));
            }
            match name.as_str() {
                "crate" => options.krate = meta.value()?.call(Path::parse_mod_style)?,
                "on_tokio" => options.on_tokio = Some(value(&meta)?),
                "with" => options.with = Some(value(&meta)?),
                "strategy" | "delays" if options.strategy.is_some() => {
                    return Err(meta.error("`delays` is a strategy: it cannot be given beside `strategy`"));
                }
                "strategy" => options.strategy = Some(value(&meta)?.into_token_stream()),
                "delays" => {
                    let most = value(&meta)?;
                    options.strategy = Some(quote!(Strategy::Delays(#most)));
                }
                "seconds" => {
                    let seconds = value(&meta)?;
                    options.calls.push(quote!(.time(::core::time::Duration::from_secs(#seconds))));
                }
                "schedules" | "steps" | "seed" | "faults" => {
                    let (call, value) = (format_ident!("{name}"), value(&meta)?);
                    options.calls.push(quote!(.#call(#value)));
                }
                _ => {
                    return Err(meta.error(format!(
                        "`#[explore_test]` has no option `{name}`\nhelp: there are {OPTIONS}; `with = |explorer| ..` sets \
                         all else"
                    )));
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

/// The whole macro on `proc_macro2` tokens.
pub(crate) fn tokens(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(options, &mut errors);
    let items = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => {
            check(&function, &mut errors);
            // What is wrong with the function would be told once more by the tests.
            if errors.len() == 0 {
                expand(options, function)
            } else {
                quote!(#[cfg(test)] #[allow(dead_code)] #function)
            }
        }
        Err(_) => {
            errors.at(
                item,
                "`#[explore_test]` goes on a function\n\
                 help: `async fn it_holds(sim: Sim) { .. }`",
            );
            item.clone()
        }
    };
    let errors = errors.finish().map(syn::Error::into_compile_error);
    quote!(#errors #items)
}

fn check(function: &ItemFn, errors: &mut Errors) {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        errors.at(
            &signature.fn_token,
            "what is explored is `async`: it is where a body waits that others may run\n\
             help: `async fn it_holds(sim: Sim) { .. }`",
        );
    }
    if signature.inputs.len() != 1 || signature.receiver().is_some() {
        let help = "what is explored takes one argument, the `Sim` that it runs in\n\
                    help: `async fn it_holds(sim: Sim) { .. }`";
        if signature.inputs.is_empty() {
            errors.at(&signature.ident, help);
        } else {
            errors.at(&signature.inputs, help);
        }
    }
    if !signature.generics.params.is_empty() {
        errors.at(
            &signature.generics,
            "a test has no parameters of its own\n\
             help: write a function with them, and call it from a test for each",
        );
    }
    for attribute in &function.attrs {
        if attribute.path().segments.last().is_some_and(|segment| segment.ident == "test") {
            errors.at(attribute, "`#[explore_test]` makes the tests itself\nhelp: take this one away");
        }
    }
}

fn expand(options: Options, mut function: ItemFn) -> TokenStream {
    let Options { krate, strategy, on_tokio, calls, with } = options;
    let name = function.sig.ident.clone();
    let cfgs = only(&function.attrs, &["cfg"]);
    let for_tests = only(&function.attrs, &["ignore", "should_panic"]);
    function.attrs.retain(|attribute| !is_any(attribute, &["ignore", "should_panic"]));
    let explorer = strategy.map_or_else(
        || quote!(#krate::explore::harness::explorer()),
        |strategy| {
            quote!({
                #[allow(unused_imports, clippy::enum_glob_use)]
                use #krate::explore::Strategy::{self, *};
                #krate::explore::Explorer::new(#strategy)
            })
        },
    );
    let with = with.map(|with| quote!(let explorer = #krate::explore::harness::with(explorer, #with);));
    let times = on_tokio.unwrap_or_else(|| parse_quote!(10));
    // One order of many need not panic.
    let panics = for_tests.iter().any(|attribute| is_any(attribute, &["should_panic"]));
    let on_tokio = (!panics).then(|| {
        quote! {
            #krate::__explore_on_tokio! {
                #[test]
                #(#for_tests)*
                fn on_tokio() {
                    let name = ::core::concat!(::core::module_path!(), "::on_tokio");
                    #krate::explore::harness::on_tokio(name, #times, super::#name);
                }
            }
        }
    });
    quote! {
        #[cfg(test)]
        #function

        #[cfg(test)]
        #(#cfgs)*
        mod #name {
            #[allow(unused_imports, clippy::wildcard_imports)]
            use super::*;

            #[test]
            #(#for_tests)*
            fn explored() {
                let explorer = #explorer #(#calls)*;
                #with
                let name = ::core::concat!(::core::module_path!(), "::explored");
                #krate::explore::harness::explored(name, #krate::__explore_place!(), explorer, super::#name);
            }

            #on_tokio
        }
    }
}

fn only(attributes: &[Attribute], names: &[&str]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| is_any(attribute, names)).cloned().collect()
}

fn is_any(attribute: &Attribute, names: &[&str]) -> bool {
    names.iter().any(|name| attribute.path().is_ident(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of these options.
    fn said(options: &str) -> String {
        let mut errors = Errors::default();
        let _ = Options::parse(options.parse().unwrap(), &mut errors);
        errors.finish().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn every_option_is_known_in_any_order() {
        let options = [
            "strategy = Pct { depth: 1, schedules: 2, seed: 3 }",
            "schedules = 1",
            "seconds = 1",
            "steps = 1",
            "seed = 1",
            "faults = Faults::at_most(1).drop(\"/a\")",
            "on_tokio = 1",
            "with = |explorer| explorer.any_time()",
            "crate = ::elsewhere::tidegate",
        ];
        assert_eq!(said(&options.join(", ")), "");
        let backwards: Vec<_> = options.into_iter().rev().collect();
        assert_eq!(said(&(backwards.join(", ") + ",")), "");
        assert_eq!(said("delays = 2"), "");
        for option in options {
            let name = option.split(' ').next().unwrap();
            assert!(OPTIONS.contains(&format!("`{name}`")), "{name} is named where there is an unknown one");
            assert!(said(&format!("{option}, {option}")).contains(&format!("`{name}` is given twice")), "{name}");
        }
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for (options, why) in [
            ("speed = 3", "has no option `speed`"),
            ("strategy = Exhaustive, delays = 1", "cannot be given beside `strategy`"),
            ("delays = 1, strategy = Exhaustive", "cannot be given beside `strategy`"),
            ("seed", "`seed` needs a value"),
            ("crate, seed = 1", "`crate` needs a value"),
            ("seed =", "expected an expression"),
            ("crate = 3", "expected identifier"),
            ("3", "unexpected literal"),
        ] {
            assert!(said(options).contains(why), "{options}: {}", said(options));
        }
    }
}
