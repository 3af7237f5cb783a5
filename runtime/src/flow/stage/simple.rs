//! Stages of one function.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use super::output::Output;
use super::{Consumer, Stage};
use crate::actor::Fault;

/// Makes stages that make one item of each, as `f` does: [`one_to_one`].
///
/// What it returns makes a stage each time it is called, with a clone of `f`, so
/// that the stage can be begun anew.
///
/// [`one_to_one`]: crate::flow::Conversion::one_to_one
pub fn map<In, Out, F, Fut>(f: F) -> impl FnMut() -> Map<In, F> + Clone + Send + 'static
where
    F: FnMut(In) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Out, Fault>> + Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    move || Map { f: f.clone(), takes: PhantomData }
}

/// See [`map`].
pub struct Map<In, F> {
    f: F,
    takes: PhantomData<fn(In)>,
}

impl<In, Out, F, Fut> Stage for Map<In, F>
where
    F: FnMut(In) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Out, Fault>> + Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    type In = In;
    type Out = Out;

    async fn handle(&mut self, item: In, out: &mut Output<Out>) -> Result<(), Fault> {
        let made = (self.f)(item).await?;
        out.send(made).await?;
        Ok(())
    }
}

/// Makes stages that make one item of each, or none: [`one_to_one`], since what
/// comes to nothing is asked for again. As [`map`] otherwise.
///
/// [`one_to_one`]: crate::flow::Conversion::one_to_one
pub fn filter_map<In, Out, F, Fut>(f: F) -> impl FnMut() -> FilterMap<In, F> + Clone + Send + 'static
where
    F: FnMut(In) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Option<Out>, Fault>> + Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    move || FilterMap { f: f.clone(), takes: PhantomData }
}

/// See [`filter_map`].
pub struct FilterMap<In, F> {
    f: F,
    takes: PhantomData<fn(In)>,
}

impl<In, Out, F, Fut> Stage for FilterMap<In, F>
where
    F: FnMut(In) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Option<Out>, Fault>> + Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    type In = In;
    type Out = Out;

    async fn handle(&mut self, item: In, out: &mut Output<Out>) -> Result<(), Fault> {
        if let Some(made) = (self.f)(item).await? {
            out.send(made).await?;
        }
        Ok(())
    }
}

/// Makes stages that make several items of each: [`expand`](crate::flow::Conversion::expand)
/// of as many as there are at most. The iterator is read one item ahead of demand.
/// As [`map`] otherwise.
pub fn expand<In, Items, F, Fut>(f: F) -> impl FnMut() -> Expand<In, F> + Clone + Send + 'static
where
    F: FnMut(In) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Items, Fault>> + Send + 'static,
    Items: IntoIterator<IntoIter: Send, Item: Send + 'static> + Send + 'static,
    In: Send + 'static,
{
    move || Expand { f: f.clone(), takes: PhantomData }
}

/// See [`expand`].
pub struct Expand<In, F> {
    f: F,
    takes: PhantomData<fn(In)>,
}

impl<In, Items, F, Fut> Stage for Expand<In, F>
where
    F: FnMut(In) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Items, Fault>> + Send + 'static,
    Items: IntoIterator<IntoIter: Send, Item: Send + 'static> + Send + 'static,
    In: Send + 'static,
{
    type In = In;
    type Out = Items::Item;

    async fn handle(&mut self, item: In, out: &mut Output<Items::Item>) -> Result<(), Fault> {
        for made in (self.f)(item).await? {
            out.send(made).await?;
        }
        Ok(())
    }
}

/// Makes stages that collect `size` items into one: [`batch`](crate::flow::Conversion::batch).
/// What has been collected when upstream ends, or `max_wait` after the first of
/// it, is emitted as it is.
///
/// The stage holds up to `size - 1` items besides its window. They have been
/// handled, so a window smaller than `size` does not stop it.
///
/// # Panics
/// If `size` is 0.
pub fn batch<T: Send + 'static>(
    size: usize,
    max_wait: Option<Duration>,
) -> impl FnMut() -> Batch<T> + Clone + Send + 'static {
    assert!(size > 0, "a batch is at least 1");
    move || Batch { items: Vec::new(), size, max_wait }
}

/// See [`batch`].
#[derive(Debug)]
pub struct Batch<T> {
    items: Vec<T>,
    size: usize,
    max_wait: Option<Duration>,
}

impl<T: Send + 'static> Stage for Batch<T> {
    type In = T;
    type Out = Vec<T>;

    async fn handle(&mut self, item: T, out: &mut Output<Vec<T>>) -> Result<(), Fault> {
        self.items.push(item);
        if self.items.len() < self.size { Ok(()) } else { self.finish(out).await }
    }

    async fn finish(&mut self, out: &mut Output<Vec<T>>) -> Result<(), Fault> {
        if !self.items.is_empty() {
            out.send(std::mem::take(&mut self.items)).await?;
        }
        Ok(())
    }

    fn patience(&self) -> Option<Duration> {
        self.max_wait.filter(|_| !self.items.is_empty())
    }

    async fn lapsed(&mut self, out: &mut Output<Vec<T>>) -> Result<(), Fault> {
        self.finish(out).await
    }
}

/// Makes consumers of a function. As [`map`] otherwise.
pub fn for_each<In, F, Fut>(f: F) -> impl FnMut() -> ForEach<In, F> + Clone + Send + 'static
where
    F: FnMut(In) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), Fault>> + Send + 'static,
    In: Send + 'static,
{
    move || ForEach { f: f.clone(), takes: PhantomData }
}

/// See [`for_each`].
pub struct ForEach<In, F> {
    f: F,
    takes: PhantomData<fn(In)>,
}

impl<In, F, Fut> Consumer for ForEach<In, F>
where
    F: FnMut(In) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), Fault>> + Send + 'static,
    In: Send + 'static,
{
    type In = In;

    async fn handle(&mut self, item: In) -> Result<(), Fault> {
        (self.f)(item).await
    }
}

/// A function says nothing of itself.
macro_rules! opaque {
    ($($stage:ident),*) => {$(
        impl<In, F> fmt::Debug for $stage<In, F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($stage)).finish_non_exhaustive()
            }
        }
    )*};
}
opaque!(Map, FilterMap, Expand, ForEach);
