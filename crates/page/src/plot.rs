//! Plots as SVG: lines, bars, and what marks a place. Each has a title, a sentence that says what it shows, and a table of its numbers.

use std::fmt::Write as _;

use crate::{Html, Table};

/// The drawing's size in its own units; on the page it is as wide as there is room.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 270.0;
/// What is beside the drawing: digits on the left, room for labels on the right, the axis below.
const LEFT: f64 = 54.0;
const RIGHT: f64 = 84.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
/// The height of a label.
const LABEL: f64 = 15.0;

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it measures.
    pub name: String,
    /// Its least value.
    pub from: f64,
    /// Its greatest value.
    pub to: f64,
    /// Where a number stands, and its text.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From 0 to at least `most`, with four round steps.
    pub fn up_to(name: &str, most: f64) -> Self {
        let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
        let rough = most / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|nice| nice * power).find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let tick = |count: u32| (step * f64::from(count), short(step * f64::from(count)));
        Axis { name: name.to_owned(), from: 0.0, to: step * 4.0, ticks: (0..=4).map(tick).collect() }
    }

    /// Shares from 0 to 1.
    pub fn share(name: &str) -> Self {
        let tick = |percent: u32| (f64::from(percent) / 100.0, format!("{percent} %"));
        Axis { name: name.to_owned(), from: 0.0, to: 1.0, ticks: [0, 25, 50, 75, 100].map(tick).into() }
    }

    fn at(&self, value: f64, begin: f64, end: f64) -> f64 {
        let share = (value - self.from) / (self.to - self.from);
        begin + (end - begin) * share.clamp(0.0, 1.0)
    }
}

/// A number in few characters.
fn short(number: f64) -> String {
    match number {
        _ if number >= 1e6 => format!("{}M", number / 1e6),
        _ if number >= 1e4 => format!("{}k", number / 1e3),
        _ => {
            let text = format!("{number:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

/// How something is drawn; the style sheet has its colours, for light and dark and paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// What the page is about.
    Main,
    /// What it is compared with.
    Other,
    /// Frauds.
    Alarm,
}

impl Ink {
    fn class(self) -> &'static str {
        match self {
            Ink::Main => "main",
            Ink::Other => "other",
            Ink::Alarm => "alarm",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Mark {
    Line { ink: Ink, label: String, points: Vec<(f64, f64)> },
    Bars { ink: Ink, bars: Vec<(f64, f64, f64)> },
    Dot { at: (f64, f64), label: String },
    Level { y: f64, label: String },
    Column { x: f64, label: String },
}

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    title: String,
    /// What it shows, in words.
    says: String,
    x: Axis,
    y: Axis,
    marks: Vec<Mark>,
    /// Tells plots of a page apart.
    id: &'static str,
}

impl Plot {
    /// An empty plot. `says` is for those who do not see it.
    pub fn new(id: &'static str, title: &str, says: &str, x: Axis, y: Axis) -> Self {
        Plot { title: title.to_owned(), says: says.to_owned(), x, y, marks: Vec::new(), id }
    }

    /// A line through these points, with its name at its end.
    pub fn line(&mut self, ink: Ink, label: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let points = points.into_iter().collect();
        self.marks.push(Mark::Line { ink, label: label.to_owned(), points });
    }

    /// Bars: where each begins and ends, and how high it is.
    pub fn bars(&mut self, ink: Ink, bars: impl IntoIterator<Item = (f64, f64, f64)>) {
        self.marks.push(Mark::Bars { ink, bars: bars.into_iter().collect() });
    }

    /// A point of its own.
    pub fn dot(&mut self, at: (f64, f64), label: &str) {
        self.marks.push(Mark::Dot { at, label: label.to_owned() });
    }

    /// A line across, at this height.
    pub fn level(&mut self, y: f64, label: &str) {
        self.marks.push(Mark::Level { y, label: label.to_owned() });
    }

    /// A line from below up, at this place.
    pub fn column(&mut self, x: f64, label: &str) {
        self.marks.push(Mark::Column { x, label: label.to_owned() });
    }

    fn across(&self, x: f64) -> f64 {
        self.x.at(x, LEFT, WIDTH - RIGHT)
    }

    fn up(&self, y: f64) -> f64 {
        self.y.at(y, HEIGHT - BOTTOM, TOP)
    }

    fn draw(&self, html: &mut Html) {
        let (left, right, bottom) = (LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM);
        html.shape(format_args!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n",
            id = self.id
        ));
        html.labelled("title", &format!("{}-title", self.id), &self.title);
        html.labelled("desc", &format!("{}-desc", self.id), &self.says);
        for (y, text) in &self.y.ticks {
            let at = self.up(*y);
            html.shape(format_args!("<path class=\"grid\" d=\"M{left} {at:.1}H{right}\"/>"));
            html.label("tick end", left - 8.0, at + 4.0, text);
        }
        for (x, text) in &self.x.ticks {
            html.label("tick middle", self.across(*x), bottom + 18.0, text);
        }
        html.shape(format_args!("<path class=\"axis\" d=\"M{left} {bottom}H{right}\"/>"));
        html.label("name middle", (left + right) / 2.0, HEIGHT - 6.0, &self.x.name);
        html.label("name", 0.0, 14.0, &self.y.name);
        let mut labels = Vec::new();
        for mark in &self.marks {
            self.draw_mark(mark, &mut labels, html);
        }
        html.shape(format_args!("</svg>\n"));
    }

    /// `labels` are the heights of the lines' names so far, for none to be over another.
    fn draw_mark(&self, mark: &Mark, labels: &mut Vec<f64>, html: &mut Html) {
        match mark {
            Mark::Line { ink, label, points } => {
                let mut path = String::new();
                for (place, (x, y)) in points.iter().enumerate() {
                    let command = if place == 0 { 'M' } else { 'L' };
                    // Writing to a string does not fail.
                    let _ = write!(path, "{command}{:.1} {:.1}", self.across(*x), self.up(*y));
                }
                let class = ink.class();
                html.shape(format_args!("<path class=\"line {class}\" d=\"{path}\"/>"));
                if let Some((x, y)) = points.last() {
                    let mut height = self.up(*y) + 4.0;
                    while labels.iter().any(|other: &f64| (other - height).abs() < LABEL) {
                        height -= LABEL;
                    }
                    labels.push(height);
                    html.label(ink.class(), self.across(*x) + 6.0, height, label);
                }
            }
            Mark::Bars { ink, bars } => {
                for (from, to, height) in bars {
                    let (begin, end, top) =
                        (self.across(*from) + 1.0, self.across(*to) - 1.0, self.up(*height));
                    let (class, bottom) = (ink.class(), self.up(self.y.from));
                    let (width, height) = (f64::max(end - begin, 1.0), f64::max(bottom - top, 0.0));
                    html.shape(format_args!(
                        "<rect class=\"bar {class}\" x=\"{begin:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
                    ));
                }
            }
            Mark::Dot { at: (x, y), label } => {
                let (x, y) = (self.across(*x), self.up(*y));
                html.shape(format_args!("<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"));
                let class = if x > WIDTH / 2.0 { "mark end" } else { "mark" };
                let beside = if x > WIDTH / 2.0 { -8.0 } else { 8.0 };
                html.label(class, x + beside, y + 16.0, label);
            }
            Mark::Level { y, label } => {
                let (at, right) = (self.up(*y), WIDTH - RIGHT);
                html.shape(format_args!("<path class=\"level\" d=\"M{LEFT} {at:.1}H{right}\"/>"));
                html.label("mark", right + 6.0, at + 4.0, label);
            }
            Mark::Column { x, label } => {
                let (at, bottom) = (self.across(*x), HEIGHT - BOTTOM);
                html.shape(format_args!("<path class=\"level\" d=\"M{at:.1} {bottom}V{TOP}\"/>"));
                html.label("mark", at + 5.0, TOP + 8.0, label);
            }
        }
    }
}

impl Html {
    /// A plot with its title, what it says, and below it the numbers that it is drawn from.
    pub fn plot(&mut self, plot: &Plot, numbers: &Table) {
        self.raw("<figure>\n");
        self.element("figcaption", "", &plot.title);
        plot.draw(self);
        self.paragraph_of("note", &plot.says);
        let mut table = Html::new();
        table.table(numbers);
        self.details("The numbers", table);
        self.raw("</figure>\n");
    }

    /// Text at a place of a drawing.
    fn label(&mut self, class: &'static str, x: f64, y: f64, text: &str) {
        self.shape(format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">"));
        self.push_text(text);
        self.raw("</text>\n");
    }

    /// An element that others name.
    fn labelled(&mut self, tag: &'static str, id: &str, text: &str) {
        self.shape(format_args!("<{tag} id=\"{id}\">"));
        self.push_text(text);
        self.shape(format_args!("</{tag}>\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    #[test]
    fn axes_have_round_steps() {
        let texts =
            |most: f64| Axis::up_to("a", most).ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(17.0), ["0", "5", "10", "15", "20"]);
        assert_eq!(texts(0.8), ["0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(texts(52_000.0), ["0", "20k", "40k", "60k", "80k"]);
        assert_eq!(texts(0.0), texts(1.0));
        assert_eq!(texts(f64::NAN), texts(1.0));
    }

    #[test]
    fn a_plot_is_told_in_words_and_numbers_as_well() {
        let mut plot = Plot::new(
            "pr",
            "Precision <&> recall",
            "it falls",
            Axis::share("recall"),
            Axis::share("precision"),
        );
        plot.line(Ink::Main, "ours", [(0.0, 1.0), (1.0, 0.5)]);
        plot.dot((0.5, 0.75), "threshold");
        let mut numbers = Table::new("steps", [Column::number("recall")]);
        numbers.row(["0.5"]);
        let mut html = Html::new();
        html.plot(&plot, &numbers);
        let markup = html.into_string();
        for part in [
            "role=\"img\" aria-labelledby=\"pr-title pr-desc\"",
            "<desc id=\"pr-desc\">it falls</desc>",
            "Precision &lt;&amp;&gt; recall",
            "M54.0 34.0L396.0 130.0",
            ">ours</text>",
            "<td class=\"number\">0.5</td>",
        ] {
            assert!(markup.contains(part), "{part}: {markup}");
        }
    }
}
