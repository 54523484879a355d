//! Charts as plain geometry, which a template draws as SVG: columns over time, and bars by name. Nothing here knows
//! markup, so nothing that is counted can add any.

use protocol::time::Timestamp;
use serde::Serialize;

/// The width of a chart, in units of its own.
pub const WIDTH: f64 = 480.0;
/// The height of columns over time.
pub const HEIGHT: f64 = 180.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 10.0;

/// What happened in a stretch of time, a count for each series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// When it begins.
    pub at: Timestamp,
    /// A count for each series.
    pub counts: Vec<u64>,
}

/// Columns over time, those of several series on top of each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// The texts that name the series, by their keys.
    pub series: Vec<&'static str>,
    /// What all buckets hold together, for each series.
    pub totals: Vec<u64>,
    /// The counts themselves, for the table beside the chart.
    pub buckets: Vec<Bucket>,
    /// What is drawn.
    pub columns: Vec<Column>,
    /// The lines of the scale, with what they stand for.
    pub lines: Vec<Line>,
    /// The moments named below, with their place.
    pub marks: Vec<Mark>,
    /// The width of the drawing.
    pub width: f64,
    /// The height of the drawing.
    pub height: f64,
    /// Where the scale begins.
    pub left: f64,
    /// Whether a bucket is a day rather than an hour.
    pub daily: bool,
}

/// A part of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// The series it belongs to.
    pub series: usize,
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

/// A line of the scale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// How far down it is.
    pub y: f64,
    /// What it stands for.
    pub value: u64,
}

/// A moment named below the columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// Where it stands.
    pub x: f64,
    /// The moment.
    pub at: Timestamp,
}

/// A name with its count, and how long its bar is, in percent of the longest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// The name.
    pub label: String,
    /// The count.
    pub count: u64,
    /// The length.
    pub percent: f64,
}

/// Draws columns over time.
pub fn timeline(series: Vec<&'static str>, buckets: Vec<Bucket>, daily: bool) -> Timeline {
    let sum = |bucket: &Bucket| {
        bucket
            .counts
            .iter()
            .fold(0u64, |sum, count| sum.saturating_add(*count))
    };
    let top = ceiling(buckets.iter().map(sum).max().unwrap_or_default());
    let height_of = |count: u64| (HEIGHT - TOP - BOTTOM) * ratio(count, top);
    let step = (WIDTH - LEFT) / f64::from(u32::try_from(buckets.len().max(1)).unwrap_or(u32::MAX));
    let mut columns = Vec::new();
    let mut left = LEFT;
    let mut lefts = Vec::with_capacity(buckets.len());
    for bucket in &buckets {
        let mut y = HEIGHT - BOTTOM;
        for (number, count) in bucket.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = height_of(*count);
            y -= height;
            columns.push(Column {
                series: number,
                x: rounded(left + step * 0.1),
                y: rounded(y),
                width: rounded(step * 0.8),
                height: rounded(height),
            });
        }
        lefts.push(left);
        left += step;
    }
    let line = |value: u64| Line {
        y: rounded(HEIGHT - BOTTOM - height_of(value)),
        value,
    };
    let every = (buckets.len() / 4).max(1);
    let marks = buckets.iter().zip(&lefts).step_by(every);
    Timeline {
        totals: totals(series.len(), &buckets),
        marks: marks
            .map(|(bucket, x)| Mark {
                x: rounded(*x),
                at: bucket.at,
            })
            .collect(),
        series,
        columns,
        lines: vec![line(0), line(top / 2), line(top)],
        buckets,
        width: WIDTH,
        height: HEIGHT,
        left: LEFT,
        daily,
    }
}

fn totals(series: usize, buckets: &[Bucket]) -> Vec<u64> {
    (0..series)
        .map(|number| {
            let counts = buckets.iter().filter_map(|bucket| bucket.counts.get(number));
            counts.fold(0u64, |sum, count| sum.saturating_add(*count))
        })
        .collect()
}

/// Bars by name, the longest first, no more than `most`; the rest are left out.
pub fn ranking(mut counts: Vec<(String, u64)>, most: usize) -> Vec<Bar> {
    counts.sort_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
    counts.truncate(most);
    let longest = counts.first().map_or(0, |(_, count)| *count);
    let bar = |(label, count)| Bar {
        label,
        count,
        percent: rounded(100.0 * ratio(count, longest)),
    };
    counts.into_iter().map(bar).collect()
}

/// The first round and even number that a scale to `highest` can end with.
fn ceiling(highest: u64) -> u64 {
    let mut scale = 1u64;
    loop {
        for step in [2, 4, 10] {
            match scale.checked_mul(step) {
                Some(top) if top >= highest => return top,
                Some(_) => {}
                None => return u64::MAX,
            }
        }
        scale = scale.saturating_mul(10);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a drawing has a few hundred units")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// As exact as a drawing needs.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(at: i64, counts: &[u64]) -> Bucket {
        Bucket {
            at: Timestamp(at),
            counts: counts.to_vec(),
        }
    }

    #[test]
    fn columns_stand_on_each_other_within_the_drawing() {
        let chart = timeline(
            vec!["a", "b"],
            vec![bucket(0, &[3, 1]), bucket(3600, &[0, 0]), bucket(7200, &[0, 2])],
            false,
        );
        assert_eq!(chart.totals, [3, 3]);
        let drawn: Vec<_> = chart
            .columns
            .iter()
            .map(|column| (column.series, column.height))
            .collect();
        assert_eq!(drawn, [(0, 109.5), (1, 36.5), (1, 73.0)]);
        let bottom = HEIGHT - BOTTOM;
        let [first, second, third] = &chart.columns[..] else {
            panic!("{:?}", chart.columns)
        };
        assert_eq!(first.y + first.height, bottom);
        assert_eq!(second.y + second.height, first.y);
        assert_eq!(second.x, first.x);
        assert!(third.x > second.x + second.width && third.x + third.width <= WIDTH);
        assert!(chart.columns.iter().all(|column| column.y >= TOP));
        assert_eq!(
            chart.lines.iter().map(|line| line.value).collect::<Vec<_>>(),
            [0, 2, 4]
        );
    }

    #[test]
    fn scales_end_with_round_numbers() {
        for (highest, top) in [
            (0, 2),
            (1, 2),
            (3, 4),
            (5, 10),
            (10, 10),
            (11, 20),
            (41, 100),
            (999, 1000),
        ] {
            assert_eq!(ceiling(highest), top, "{highest}");
        }
        assert_eq!(ceiling(u64::MAX), u64::MAX);
    }

    #[test]
    fn nothing_and_too_much_can_be_drawn() {
        let none = timeline(vec!["a"], Vec::new(), true);
        assert!(none.columns.is_empty() && none.marks.is_empty());
        let much = timeline(vec!["a", "b"], vec![bucket(0, &[u64::MAX, u64::MAX])], true);
        assert_eq!(much.totals, [u64::MAX, u64::MAX]);
        assert!(much.columns.iter().all(|column| column.height.is_finite()));
    }

    #[test]
    fn bars_are_sorted_and_cut_off() {
        let counts = [("few", 1), ("many", 4), ("other", 1), ("some", 2)];
        let bars = ranking(counts.map(|(name, count)| (name.to_owned(), count)).to_vec(), 3);
        let shown: Vec<_> = bars
            .iter()
            .map(|bar| (bar.label.as_str(), bar.count, bar.percent))
            .collect();
        assert_eq!(shown, [("many", 4, 100.0), ("some", 2, 50.0), ("few", 1, 25.0)]);
        assert!(ranking(Vec::new(), 3).is_empty());
        assert_eq!(ranking(vec![("none".to_owned(), 0)], 3)[0].percent, 0.0);
    }
}
