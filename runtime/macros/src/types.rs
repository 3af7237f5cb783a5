//! Questions about types, answered from their tokens: a macro knows no more.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::visit_mut::VisitMut;
use syn::{ExprPath, GenericArgument, Path, PathArguments, QSelf, Type, TypePath, parse_quote};

/// Whether `ty` is a reference to a type whose path ends in `name`.
pub(crate) fn behind_reference(ty: &Type, name: &str, mutable: bool) -> bool {
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() == mutable => {
            last_segment(&reference.elem).is_some_and(|segment| segment.ident == name)
        }
        Type::Paren(paren) => behind_reference(&paren.elem, name, mutable),
        Type::Group(group) => behind_reference(&group.elem, name, mutable),
        _ => false,
    }
}

/// Whether the type is called `name`, by the last segment of its path.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(TypePath { qself: None, path }) => path.segments.last(),
        Type::Paren(paren) => last_segment(&paren.elem),
        Type::Group(group) => last_segment(&group.elem),
        _ => None,
    }
}

pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// The `T` of `Result<T, Fault>`.
pub(crate) fn value_or_fault(ty: &Type) -> Option<&Type> {
    let result = last_segment(ty).filter(|segment| segment.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &result.arguments else { return None };
    let mut arguments = arguments.args.iter();
    match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(GenericArgument::Type(value)), Some(GenericArgument::Type(error)), None)
            if last_segment(error).is_some_and(|segment| segment.ident == "Fault") =>
        {
            Some(value)
        }
        _ => None,
    }
}

/// `ty` with the actor's type in place of `Self`, which in the enum would be the enum.
pub(crate) fn without_self(ty: &Type, self_ty: &Type) -> Type {
    struct Replace<'a>(&'a Type);

    impl Replace<'_> {
        fn in_path(&self, qself: &mut Option<QSelf>, path: &mut Path) {
            if qself.is_none() && path.segments.len() > 1 && path.segments[0].ident == "Self" {
                let ty = self.0;
                let rest = path.segments.iter().skip(1);
                let replaced: TypePath = parse_quote!(<#ty>::#(#rest)::*);
                *qself = replaced.qself;
                *path = replaced.path;
            }
        }
    }

    impl VisitMut for Replace<'_> {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if matches!(ty, Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self")) {
                *ty = self.0.clone();
            } else {
                syn::visit_mut::visit_type_mut(self, ty);
            }
        }

        fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
            self.in_path(&mut ty.qself, &mut ty.path);
            syn::visit_mut::visit_type_path_mut(self, ty);
        }

        fn visit_expr_path_mut(&mut self, expr: &mut ExprPath) {
            self.in_path(&mut expr.qself, &mut expr.path);
            syn::visit_mut::visit_expr_path_mut(self, expr);
        }
    }

    let mut ty = ty.clone();
    Replace(self_ty).visit_type_mut(&mut ty);
    ty
}

/// Whether `name` occurs in `tokens` other than as a later segment of a path or as a lifetime.
pub(crate) fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    let mut before = [None, None];
    for token in tokens {
        let mark = match &token {
            TokenTree::Ident(ident) => {
                let segment = before == [Some(':'), Some(':')];
                if ident == name && !segment && before[1] != Some('\'') {
                    return true;
                }
                None
            }
            TokenTree::Group(group) => {
                if mentions(group.stream(), name) {
                    return true;
                }
                None
            }
            TokenTree::Punct(punct) => Some(punct.as_char()),
            TokenTree::Literal(_) => None,
        };
        before = [before[1], mark];
    }
    false
}
