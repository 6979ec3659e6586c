//! A question about order as a JSON object.
//!
//! `{"n", "f", "gamma": [numerator, denominator], "mode": "all" | "honest", "lists": [[id, …], …]}`
//! and, if wanted, `"updates": [[id, …], …]` and `"rank": "copeland" | "ranked-pairs" | "path"`.
//! A history has `"rounds": [{"lists", "updates"?}, …]` in place of `lists`. `null` stands for a
//! field that may be left out. Anything else is refused: another key, a key twice, another type,
//! text after the object.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters, Rank};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{OrderError, Report, Round, RoundsReport, order, order_rounds};

/// How many characters of a reason are told: it may quote whatever stands in the text.
const REASON_CHARS_MAX: usize = 160;

/// An id, which borrows from the text where that spells it without escapes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Id<'a>(#[serde(borrow)] Cow<'a, str>);

impl AsRef<str> for Id<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// Thresholds, from n, f, gamma and mode.
    pub parameters: Parameters,
    /// The share of members that binds an order, as it was given.
    pub gamma: Gamma,
    /// The members that it is a share of.
    pub mode: GammaMode,
    /// How components are ranked.
    pub rank: Rank,
    /// The lists.
    pub lists: Lists<'a>,
}

/// Whether it is about one proposal or about a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lists<'a> {
    /// One proposal.
    One(Round<Id<'a>>),
    /// Round after round.
    Rounds(Vec<Round<Id<'a>>>),
}

/// What a question comes to, in the form of the question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer<'a> {
    /// Of one proposal.
    One(Report<'a>),
    /// Of a history.
    Rounds(RoundsReport<'a>),
}

impl<'a> Question<'a> {
    /// Reads a question.
    ///
    /// # Errors
    /// [`OrderError::Json`] for text in another form; [`OrderError::Parameters`] for parameters
    /// that promise no order.
    pub fn read(text: &'a [u8]) -> Result<Self, OrderError> {
        let object: Object<Fields<'a>> = serde_json::from_slice(text).map_err(told)?;
        let Object(fields) = object;
        let lists = match (fields.lists, fields.rounds) {
            (Some(lists), None) => {
                let updates = fields.updates.unwrap_or_default();
                Lists::One(Round { lists, updates })
            }
            (None, Some(rounds)) if fields.updates.is_none() => Lists::Rounds(
                rounds
                    .into_iter()
                    .map(|Object(round)| round.into())
                    .collect(),
            ),
            (None, Some(_)) => {
                return Err(form(
                    "`updates` stands beside `rounds`; each round has its own",
                ));
            }
            (Some(_), Some(_)) => return Err(form("`lists` and `rounds` exclude each other")),
            (None, None) => return Err(form("`lists` is missing, or `rounds` in its place")),
        };
        let (n, f, gamma, mode) = (fields.n, fields.f, fields.gamma, fields.mode);
        let parameters =
            Parameters::new(n, f, gamma, mode).map_err(|error| OrderError::Parameters {
                n,
                f,
                gamma,
                mode,
                error,
            })?;
        let rank = fields.rank.unwrap_or_default();
        Ok(Self {
            parameters,
            gamma,
            mode,
            rank,
            lists,
        })
    }

    /// Answers it.
    ///
    /// # Errors
    /// As [`order`] and [`order_rounds`].
    pub fn answer(&self) -> Result<Answer<'_>, OrderError> {
        match &self.lists {
            Lists::One(round) => order(self.parameters, self.rank, round).map(Answer::One),
            Lists::Rounds(rounds) => {
                order_rounds(self.parameters, self.rank, rounds).map(Answer::Rounds)
            }
        }
    }
}

/// The fields as they stand in the text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(deserialize_with = "whole")]
    n: u32,
    #[serde(deserialize_with = "whole")]
    f: u32,
    #[serde(deserialize_with = "gamma")]
    gamma: Gamma,
    #[serde(deserialize_with = "mode")]
    mode: GammaMode,
    #[serde(default, deserialize_with = "rank")]
    rank: Option<Rank>,
    #[serde(borrow)]
    lists: Option<Vec<Vec<Id<'a>>>>,
    #[serde(borrow)]
    updates: Option<Vec<Vec<Id<'a>>>>,
    #[serde(borrow)]
    rounds: Option<Vec<Object<RoundFields<'a>>>>,
}

/// The fields of one round.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundFields<'a> {
    #[serde(borrow)]
    lists: Vec<Vec<Id<'a>>>,
    #[serde(borrow)]
    updates: Option<Vec<Vec<Id<'a>>>>,
}

impl<'a> From<RoundFields<'a>> for Round<Id<'a>> {
    fn from(fields: RoundFields<'a>) -> Self {
        let updates = fields.updates.unwrap_or_default();
        Self {
            lists: fields.lists,
            updates,
        }
    }
}

/// Reads an object only: the derived code would take an array for one, field after field.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// A number of members, or a part of a fraction.
struct Whole(u32);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number below 2^32")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Whole, E> {
                let small = u32::try_from(number);
                small
                    .map(Whole)
                    .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_u32(Digits)
    }
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Whole::deserialize(deserializer).map(|Whole(number)| number)
}

fn gamma<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Gamma, D::Error> {
    match Vec::deserialize(deserializer)?.as_slice() {
        [Whole(numerator), Whole(denominator)] => Ok(Gamma {
            numerator: *numerator,
            denominator: *denominator,
        }),
        _ => Err(D::Error::custom(
            "gamma is a pair: numerator and denominator",
        )),
    }
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<GammaMode, D::Error> {
    match &*String::deserialize(deserializer)? {
        "all" => Ok(GammaMode::All),
        "honest" => Ok(GammaMode::Honest),
        other => Err(D::Error::custom(format!(
            "mode `{other}`: there are `all` and `honest`"
        ))),
    }
}

fn rank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rank>, D::Error> {
    let name: Option<String> = Option::deserialize(deserializer)?;
    name.map_or(Ok(None), |name| match &*name {
        "copeland" => Ok(Some(Rank::Copeland)),
        "ranked-pairs" => Ok(Some(Rank::RankedPairs)),
        "path" => Ok(Some(Rank::Path)),
        other => Err(D::Error::custom(format!(
            "rank `{other}`: there are `copeland`, `ranked-pairs` and `path`"
        ))),
    })
}

/// The object as a whole is in no form that is known.
fn form(reason: &str) -> OrderError {
    OrderError::Json {
        line: 0,
        column: 0,
        reason: reason.to_owned(),
    }
}

fn told(error: serde_json::Error) -> OrderError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let reason = text.strip_suffix(&place).unwrap_or(&text);
    let mut short: String = reason.chars().take(REASON_CHARS_MAX).collect();
    if short.len() < reason.len() {
        short.push('…');
    }
    OrderError::Json {
        line,
        column,
        reason: short,
    }
}
