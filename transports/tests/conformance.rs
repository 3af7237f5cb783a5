//! One suite for every codec, the same tests under the same names.
//!
//! A codec of its own joins by one more line at the end of this file.
#![cfg(any(feature = "json", feature = "postcard", feature = "bincode"))]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use tidegate_transports::codec::{Codec, DecodeError, EncodeError, Limits};

/// Something of everything that serde knows, as far as a message would have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    delta: i32,
    wide: u128,
    ratio: f32,
    exact: f64,
    sign: char,
    note: String,
    lines: Vec<Line>,
    tags: BTreeMap<String, u16>,
    parent: Option<Box<Line>>,
    unit: (),
    last: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Line {
    Empty,
    Count(u32),
    Pair(i8, i64),
    Named { name: String, bytes: Vec<u8> },
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        Just(Line::Empty),
        any::<u32>().prop_map(Line::Count),
        any::<(i8, i64)>().prop_map(|(a, b)| Line::Pair(a, b)),
        (".{0,12}", prop::collection::vec(any::<u8>(), 0..12)).prop_map(|(name, bytes)| Line::Named { name, bytes }),
    ]
}

prop_compose! {
    fn order()(
        numbers in any::<(u64, i32, u128)>(),
        // JSON has no infinities and no NaN, and a NaN would not equal itself.
        ratio in prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO,
        exact in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        sign in any::<char>(),
        note in ".{0,40}",
        lines in prop::collection::vec(line(), 0..6),
        tags in prop::collection::btree_map("[a-z]{1,6}", any::<u16>(), 0..4),
        parent in prop::option::of(line().prop_map(Box::new)),
        last in any::<bool>(),
    ) -> Order {
        let (id, delta, wide) = numbers;
        Order { id, delta, wide, ratio, exact, sign, note, lines, tags, parent, unit: (), last }
    }
}

fn sample() -> Order {
    Order {
        id: 300,
        delta: -7,
        wide: u128::MAX,
        ratio: 0.25,
        exact: 0.1,
        sign: 'ß',
        note: "a \"note\"\n".to_owned(),
        lines: vec![Line::Pair(-1, i64::MIN), Line::Named { name: "n".to_owned(), bytes: vec![0, 255] }, Line::Empty],
        tags: BTreeMap::from([("k".to_owned(), 9)]),
        parent: Some(Box::new(Line::Count(1))),
        unit: (),
        last: true,
    }
}

thread_local! {
    static DECODED: Cell<bool> = const { Cell::new(false) };
}

/// A message that notes that somebody began to decode it.
#[derive(Serialize)]
struct Spy;

impl<'de> Deserialize<'de> for Spy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        DECODED.set(true);
        u8::deserialize(from).map(|_| Self)
    }
}

fn encoded<M, C: Codec<M>>(codec: &C, message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec.encode(message, &mut bytes).expect("a message of the suite encodes");
    bytes
}

fn assert_refused<M: Debug + DeserializeOwned, C: Codec<M>>(codec: &C, bytes: &[u8]) {
    let refused = codec.decode(bytes).expect_err("bytes that are no message");
    assert!(matches!(refused, DecodeError::Truncated | DecodeError::Invalid { .. }), "{refused:?}");
}

macro_rules! conformance {
    ($module:ident, $feature:literal, $codec:ident, media: $media:literal, list_bomb: $list:expr, string_bomb: $string:expr) => {
        #[cfg(feature = $feature)]
        mod $module {
            use super::*;
            use tidegate_transports::codec::$codec as Subject;

            #[test]
            fn names_its_format() {
                assert_eq!(Codec::<Order>::media_type(&Subject::new()), $media);
                let boxed: Box<dyn Codec<Order>> = Box::new(Subject::new());
                assert_eq!(boxed.media_type(), $media);
            }

            #[test]
            fn encode_appends() {
                let mut bytes = b"head".to_vec();
                Subject::new().encode(&sample(), &mut bytes).expect("encodes");
                assert_eq!(&bytes[..4], b"head");
                assert_eq!(Subject::new().decode(&bytes[4..]), Ok(sample()));
            }

            #[test]
            fn truncated_input_is_an_error_at_every_cut() {
                let bytes = encoded(&Subject::new(), &sample());
                for cut in 0..bytes.len() {
                    let decoded: Result<Order, _> = Subject::new().decode(&bytes[..cut]);
                    assert_eq!(decoded, Err(DecodeError::Truncated), "cut at {cut} of {}", bytes.len());
                }
            }

            #[test]
            fn trailing_bytes_are_refused() {
                let mut bytes = encoded(&Subject::new(), &sample());
                bytes.push(b'0');
                let one: Result<Order, _> = Subject::new().decode(&bytes);
                assert_eq!(one, Err(DecodeError::TrailingBytes { extra: 1 }));
                bytes.extend_from_slice(&encoded(&Subject::new(), &sample()));
                let another: Result<Order, _> = Subject::new().decode(&bytes);
                assert!(matches!(another, Err(DecodeError::TrailingBytes { extra: 2.. })), "{another:?}");
            }

            #[test]
            fn oversize_input_is_refused_before_decoding() {
                let codec = Subject::with_limits(Limits::max_size(8));
                let refused: Result<Spy, _> = codec.decode(&[b'1'; 9]);
                assert!(matches!(refused, Err(DecodeError::TooLarge { size: 9, limit: 8 })));
                assert!(!DECODED.get(), "the message was looked at before its size was");
                let _: Result<Spy, _> = codec.decode(&[b'1'; 8]);
                assert!(DECODED.get(), "the spy does not work");
            }

            #[test]
            fn oversize_message_is_not_encoded() {
                let size = encoded(&Subject::new(), &sample()).len();
                let mut bytes = b"head".to_vec();
                let exact = Subject::with_limits(Limits::max_size(size));
                exact.encode(&sample(), &mut bytes).expect("fits to the byte");
                assert_eq!(bytes.len(), 4 + size);

                bytes.truncate(4);
                let tight = Subject::with_limits(Limits::max_size(size - 1));
                assert_eq!(tight.encode(&sample(), &mut bytes), Err(EncodeError::TooLarge { limit: size - 1 }));
                assert_eq!(bytes, b"head", "what was begun is undone");
            }

            #[test]
            fn large_messages_of_small_numbers_are_not_taken_for_bombs() {
                // 16 bytes in memory for one byte of message: the worst ratio.
                for count in [4_000, 200_000, 1_000_000] {
                    let codec = Subject::with_limits(Limits::max_size(Limits::CEILING));
                    let message = vec![1_u128; count];
                    let decoded: Result<Vec<u128>, _> = codec.decode(&encoded(&codec, &message));
                    assert!(decoded.is_ok_and(|decoded| decoded == message), "{count} numbers");
                }
            }

            #[test]
            fn length_bombs_are_clean_errors() {
                let list: Result<Vec<u64>, _> = Subject::new().decode(&$list);
                assert_eq!(list, Err(DecodeError::Truncated));
                let string: Result<String, _> = Subject::new().decode(&$string);
                assert_eq!(string, Err(DecodeError::Truncated));
            }

            #[test]
            fn empty_input_is_an_error() {
                let decoded: Result<Order, _> = Subject::new().decode(&[]);
                assert_eq!(decoded, Err(DecodeError::Truncated));
            }

            proptest! {
                #[test]
                fn round_trip(message in order()) {
                    let bytes = encoded(&Subject::new(), &message);
                    prop_assert_eq!(Subject::new().decode(&bytes), Ok(message));
                }

                #[test]
                fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
                    let _: Result<Order, _> = Subject::new().decode(&bytes);
                    let _: Result<Vec<String>, _> = Subject::new().decode(&bytes);
                    let _: Result<BTreeMap<String, Vec<u8>>, _> = Subject::new().decode(&bytes);
                }

                #[test]
                fn damage_never_panics(message in order(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
                    let mut bytes = encoded(&Subject::new(), &message);
                    let at = at.index(bytes.len());
                    bytes[at] ^= flip;
                    let _: Result<Order, _> = Subject::new().decode(&bytes);
                }
            }

            #[test]
            fn a_wrong_type_is_refused() {
                // A sign that is no character in any of the formats.
                assert_refused::<Line, _>(&Subject::new(), &[0xff; 16]);
            }
        }
    };
}

/// 2^33, as postcard and other formats with seven bits to a byte write it.
#[cfg(feature = "postcard")]
const BOMB_VARINT: [u8; 8] = [0x80, 0x80, 0x80, 0x80, 0x20, 1, 2, 3];
/// 2^33, as bincode writes it: a marker for eight bytes, then these.
#[cfg(feature = "bincode")]
const BOMB_U64: [u8; 12] = [253, 0, 0, 0, 0, 2, 0, 0, 0, 1, 2, 3];

conformance!(postcard, "postcard", Postcard,
    media: "application/x.tidegate+postcard", list_bomb: BOMB_VARINT, string_bomb: BOMB_VARINT);
conformance!(bincode, "bincode", Bincode,
    media: "application/x.tidegate+bincode", list_bomb: BOMB_U64, string_bomb: BOMB_U64);
// JSON writes no lengths that could lie; a list and a string that never end are
// the nearest thing.
conformance!(json, "json", Json,
    media: "application/json", list_bomb: *b"[1,2,3,", string_bomb: *b"\"abc");

/// The one promise that only JSON can give.
#[cfg(feature = "json")]
#[test]
fn json_refuses_deep_nesting_instead_of_the_stack() {
    use tidegate_transports::codec::Json;

    #[derive(Debug, Deserialize, Serialize)]
    struct Deep(Vec<Deep>);

    let bytes = "[".repeat(500_000);
    let decoded: Result<Deep, _> = Json::new().decode(bytes.as_bytes());
    assert!(matches!(decoded, Err(DecodeError::Invalid { .. })), "{decoded:?}");
}

/// JSON text may end in a newline, as a file does.
#[cfg(feature = "json")]
#[test]
fn json_allows_whitespace_around_the_message() {
    use tidegate_transports::codec::Json;

    let decoded: Result<u8, _> = Json::new().decode(b" \n7\r\n\t ");
    assert_eq!(decoded, Ok(7));
}
