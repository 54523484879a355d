//! Statistics as lines over time.

use std::collections::BTreeMap;

use protocol::permission;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::Conn;
use store::statistics::Count;

use super::{Actor, Outcome, Refused};
use crate::app::App;
use crate::statistics::{self, HOUR, OTHER};

/// Points of one line.
const POINTS: i64 = 750;
/// Lines of one answer; the rest of a kind is one line together.
const LINES: usize = 100;
/// Counts read for one answer.
const ROWS: i64 = 100_000;

/// How far apart the points are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// An hour.
    #[default]
    Hour,
    /// A day, as UTC has it.
    Day,
}

impl Step {
    const fn seconds(self) -> i64 {
        match self {
            Step::Hour => HOUR,
            Step::Day => 24 * HOUR,
        }
    }
}

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// From the hour or day that holds this moment; by default a day, or 30 of them, before `until`.
    pub from: Option<Timestamp>,
    /// Up to the hour or day that holds this moment; by default now.
    pub until: Option<Timestamp>,
    /// Only this kind and those below it: `token` is above `token.refresh_token`.
    pub kind: Option<String>,
    /// How far apart the points are.
    pub step: Step,
}

/// What happened over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Series {
    /// The moment of the first point.
    pub from: i64,
    /// The end of the last one.
    pub until: i64,
    /// Seconds from one point to the next.
    pub step: i64,
    /// The lines, by kind, the highest first.
    pub lines: Vec<Line>,
}

/// How often one thing happened, point by point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Line {
    /// What, such as `sign_in.failure` or `token.authorization_code`.
    pub kind: String,
    /// The factor, the client or the error.
    pub label: String,
    /// How often in all.
    pub total: i64,
    /// How often at each point.
    pub counts: Vec<i64>,
}

/// The lines of a time. What this node has counted since is among them; other nodes are seconds behind.
pub(crate) async fn series(app: &App, actor: &Actor, query: &Query) -> Outcome<Series> {
    actor.require(permission::STATISTICS_READ)?;
    let step = query.step.seconds();
    let (from, until) = span(query, app.now())?;
    if query.kind.as_ref().is_some_and(|kind| kind.contains('\0')) {
        return Err(Refused::invalid("kind", "must not hold a NUL character").into());
    }
    statistics::flush(app).await?;
    let kind = query.kind.clone();
    let counts = app
        .store
        .scan(async move |db: &mut Conn| {
            store::statistics::list(db, Timestamp(from), Timestamp(until), kind.as_deref(), ROWS).await
        })
        .await?;
    Ok(Series {
        from,
        until,
        step,
        lines: lines(&counts, from, until, step),
    })
}

/// Whole steps.
fn span(query: &Query, now: Timestamp) -> Result<(i64, i64), Refused> {
    let step = query.step.seconds();
    let before = match query.step {
        Step::Hour => 23,
        Step::Day => 29,
    };
    let start = |at: i64| at - at.rem_euclid(step);
    let last = start(query.until.unwrap_or(now).0.clamp(0, i64::from(u32::MAX)));
    let from = query
        .from
        .map_or(last - before * step, |from| start(from.0.max(0)));
    if from > last {
        return Err(Refused::invalid("from", "must not be later than until"));
    }
    let until = last + step;
    if (until - from) / step > POINTS {
        let problem = format!("is too long ago for this step; at most {POINTS} points are given");
        return Err(Refused::invalid("from", problem));
    }
    Ok((from, until))
}

fn lines(counts: &[Count], from: i64, until: i64, step: i64) -> Vec<Line> {
    let points = usize::try_from((until - from) / step).unwrap_or_default();
    let mut found: BTreeMap<(&str, &str), Line> = BTreeMap::new();
    for count in counts {
        let line = found
            .entry((&count.kind, &count.label))
            .or_insert_with(|| empty(&count.kind, &count.label, points));
        let at = usize::try_from((count.hour.0 - from) / step).unwrap_or(usize::MAX);
        if let Some(point) = line.counts.get_mut(at) {
            *point += count.count;
            line.total += count.count;
        }
    }
    let mut lines: Vec<Line> = found.into_values().collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.total));
    let rest = lines.split_off(lines.len().min(LINES));
    for line in rest {
        let same = |kept: &&mut Line| kept.kind == line.kind && kept.label == OTHER;
        if lines.iter_mut().find(same).is_none() {
            lines.push(empty(&line.kind, OTHER, points));
        }
        if let Some(kept) = lines.iter_mut().find(same) {
            kept.total += line.total;
            for (sum, count) in kept.counts.iter_mut().zip(&line.counts) {
                *sum += count;
            }
        }
    }
    // A stable sort: within its kind the highest stays first.
    lines.sort_by(|one, other| one.kind.cmp(&other.kind));
    lines
}

fn empty(kind: &str, label: &str, points: usize) -> Line {
    Line {
        kind: kind.to_owned(),
        label: label.to_owned(),
        total: 0,
        counts: vec![0; points],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(hour: i64, kind: &str, label: &str, count: i64) -> Count {
        Count {
            hour: Timestamp(hour),
            kind: kind.to_owned(),
            label: label.to_owned(),
            count,
        }
    }

    #[test]
    fn hours_become_points_and_the_highest_line_of_a_kind_is_first() {
        let counts = [
            count(0, "token.password", "a", 1),
            count(0, "token.password", "b", 5),
            count(3600, "token.password", "a", 1),
            count(86_400, "sign_in.success", "totp", 2),
        ];
        let lines = lines(&counts, 0, 172_800, 86_400);
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    line.kind.as_str(),
                    line.label.as_str(),
                    line.total,
                    line.counts.clone(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("sign_in.success", "totp", 2, vec![0, 2]),
                ("token.password", "b", 5, vec![5, 0]),
                ("token.password", "a", 2, vec![2, 0]),
            ]
        );
    }

    #[test]
    fn of_very_many_lines_the_lowest_are_one() {
        let counts: Vec<_> = (0..150)
            .map(|n| count(0, "token.password", &n.to_string(), 1 + n))
            .collect();
        let lines = lines(&counts, 0, 3600, 3600);
        assert_eq!(lines.len(), LINES + 1);
        let other = lines.iter().find(|line| line.label == OTHER).unwrap();
        assert_eq!(other.total, (1..=50).sum::<i64>());
    }

    #[test]
    fn a_span_is_whole_steps_and_bounded() {
        let query = |from, until, step| Query {
            from: Some(Timestamp(from)),
            until: Some(Timestamp(until)),
            kind: None,
            step,
        };
        let now = Timestamp(90_000);
        assert_eq!(span(&query(3700, 7300, Step::Hour), now), Ok((3600, 10_800)));
        assert_eq!(span(&query(3700, 7300, Step::Day), now), Ok((0, 86_400)));
        assert_eq!(span(&Query::default(), now), Ok((90_000 - 23 * 3600, 93_600)));
        assert!(span(&query(7300, 3700, Step::Hour), now).is_err());
        assert!(span(&query(0, 3600 * 751, Step::Hour), now).is_err());
        assert!(span(&query(i64::MIN, i64::MAX, Step::Day), now).is_err());
    }
}
