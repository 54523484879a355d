//! `/admin`: what happened lately.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use protocol::permission;
use protocol::time::Timestamp;

use super::{Answer, Desk};
use crate::administration::statistics::{self, Line, Query, Series, Step};
use crate::app::App;
use crate::pages::chart::{Bar, Bucket, Timeline, ranking, timeline};
use crate::pages::{ConsolePart, ConsoleView, OverviewView, Tally};

/// The most bars of one list.
const MOST: usize = 10;

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, ConsolePart::Overview).await?;
    let (range, step) = match desk.query.get("range") {
        Some("30d") => ("30d", Step::Day),
        _ => ("24h", Step::Hour),
    };
    let view = if desk.may(permission::STATISTICS_READ) {
        let query = Query {
            step,
            ..Query::default()
        };
        let series = statistics::series(&app, &desk.actor, &query).await;
        view(range, &series.map_err(|error| desk.fail(&app, error))?)
    } else {
        OverviewView {
            statistics: false,
            tallies: Vec::new(),
            ..view(range, &nothing())
        }
    };
    Ok(desk.page(&app, ConsoleView::Overview(Box::new(view))))
}

fn nothing() -> Series {
    Series {
        from: 0,
        until: 0,
        step: 3600,
        lines: Vec::new(),
    }
}

fn view(range: &'static str, series: &Series) -> OverviewView {
    let daily = range == "30d";
    let chart = |names: &[(&'static str, &str)]| -> Timeline {
        let (texts, kinds): (Vec<_>, Vec<_>) = names.iter().copied().unzip();
        timeline(texts, buckets(series, &kinds), daily)
    };
    let tally = |name, bars| Tally { name, bars };
    OverviewView {
        range,
        statistics: true,
        sign_ins: chart(&[("success", "sign_in.success"), ("failure", "sign_in.failure")]),
        tokens: chart(&[("tokens", "token.")]),
        refusals: chart(&[("refusals", "refused.")]),
        tallies: vec![
            tally(
                "factors",
                bars(series, "sign_in.success", |line| line.label.clone()),
            ),
            tally(
                "failures",
                bars(series, "sign_in.failure", |line| line.label.clone()),
            ),
            tally(
                "grants",
                bars(series, "token.", |line| after_dot(&line.kind).to_owned()),
            ),
            tally("clients", bars(series, "token.", |line| line.label.clone())),
            tally(
                "refusals",
                bars(series, "refused.", |line| {
                    format!("{} · {}", after_dot(&line.kind), line.label)
                }),
            ),
        ],
    }
}

fn after_dot(kind: &str) -> &str {
    kind.split_once('.').map_or(kind, |(_, rest)| rest)
}

fn is_of(line: &Line, kind: &str) -> bool {
    line.kind == kind || (kind.ends_with('.') && line.kind.starts_with(kind))
}

/// The counts of each kind, moment by moment.
fn buckets(series: &Series, kinds: &[&str]) -> Vec<Bucket> {
    let count_at = |kind: &str, at: usize| {
        let of = series.lines.iter().filter(|line| is_of(line, kind));
        let counts = of.filter_map(|line| line.counts.get(at));
        counts.fold(0u64, |sum, count| {
            sum.saturating_add(u64::try_from(*count).unwrap_or_default())
        })
    };
    let starts = (series.from..series.until).step_by(usize::try_from(series.step).unwrap_or(usize::MAX));
    starts
        .enumerate()
        .map(|(at, start)| Bucket {
            at: Timestamp(start),
            counts: kinds.iter().map(|kind| count_at(kind, at)).collect(),
        })
        .collect()
}

/// The sums of a kind, by a name that each line has.
fn bars(series: &Series, kind: &str, name: impl Fn(&Line) -> String) -> Vec<Bar> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for line in series.lines.iter().filter(|line| is_of(line, kind)) {
        let sum = sums.entry(name(line)).or_default();
        *sum = sum.saturating_add(u64::try_from(line.total).unwrap_or_default());
    }
    ranking(sums.into_iter().collect(), MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, label: &str, counts: &[i64]) -> Line {
        Line {
            kind: kind.to_owned(),
            label: label.to_owned(),
            total: counts.iter().sum(),
            counts: counts.to_vec(),
        }
    }

    #[test]
    fn lines_become_charts_and_lists() {
        let series = Series {
            from: 3600,
            until: 10_800,
            step: 3600,
            lines: vec![
                line("sign_in.success", "pwd", &[1, 2]),
                line("sign_in.success", "otp", &[0, 3]),
                line("sign_in.failure", "pwd", &[4, 0]),
                line("token.refresh_token", "web", &[5, 0]),
                line("token.authorization_code", "web", &[1, 1]),
                line("refused.token", "invalid_grant", &[1, 0]),
            ],
        };
        let view = view("24h", &series);
        assert_eq!(view.sign_ins.totals, [6, 4]);
        assert_eq!(view.sign_ins.buckets[0].counts, [1, 4]);
        assert_eq!(view.sign_ins.buckets[1].at, Timestamp(7200));
        assert_eq!(view.tokens.totals, [7]);
        assert_eq!(view.refusals.totals, [1]);
        let lists: Vec<_> = view
            .tallies
            .iter()
            .map(|tally| {
                let bars = tally.bars.iter().map(|bar| (bar.label.as_str(), bar.count));
                (tally.name, bars.collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(
            lists,
            [
                ("factors", vec![("otp", 3), ("pwd", 3)]),
                ("failures", vec![("pwd", 4)]),
                ("grants", vec![("refresh_token", 5), ("authorization_code", 2)]),
                ("clients", vec![("web", 7)]),
                ("refusals", vec![("token · invalid_grant", 1)]),
            ]
        );
    }
}
