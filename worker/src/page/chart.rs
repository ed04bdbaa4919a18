//! A drawn chart: curves over time, with a legend beside the drawing, where it hides nothing.

use std::error::Error;
use std::fmt::Write as _;

use plotters::prelude::{BLACK, ChartBuilder, Color as _, IntoDrawingArea as _, LineSeries, RGBColor, SVGBackend};
use plotters::style::IntoFont as _;

use super::escaped;

/// The width of a drawing, in CSS pixels; it shrinks to its place.
const WIDTH: u32 = 1_040;
/// The largest number that an axis reaches: a chart cannot show larger ones.
const VALUE_MAX: f64 = 1e12;

/// A curve with its name.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What the legend calls it.
    pub name: String,
    /// Its colour.
    pub color: RGBColor,
    /// Its width, in CSS pixels.
    pub width: u32,
    /// Its points, in stretches without a gap.
    pub lines: Vec<Vec<(f64, f64)>>,
}

/// Curves over one axis of time.
pub struct Chart<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The first and the last instant shown.
    pub time: (f64, f64),
    /// How an instant is written.
    pub time_label: &'a dyn Fn(&f64) -> String,
    /// The unit of time, under the axis.
    pub time_unit: &'a str,
    /// The unit of the values, beside the axis.
    pub unit: &'a str,
    /// The curves; later ones are drawn over earlier ones.
    pub curves: &'a [Curve],
    /// Curves with an axis of their own on the right, and their unit.
    pub right: Option<(&'a str, &'a [Curve])>,
    /// The height of the drawing, in CSS pixels.
    pub height: u32,
}

impl Chart<'_> {
    /// The chart as markup.
    ///
    /// # Errors
    /// It cannot be drawn.
    pub fn markup(&self) -> Result<String, Box<dyn Error>> {
        let mut out = format!("<figure><figcaption>{}</figcaption>\n<div class=\"legend\">", escaped(self.title));
        for curve in self.curves.iter().chain(self.right.iter().flat_map(|(_, curves)| *curves)) {
            let RGBColor(red, green, blue) = curve.color;
            _ = write!(
                out,
                "<span><svg width=\"22\" height=\"8\"><line x1=\"0\" y1=\"4\" x2=\"22\" y2=\"4\" stroke=\"#{red:02x}{green:02x}{blue:02x}\" \
                 stroke-width=\"{}\"/></svg>{}</span>",
                curve.width + 1,
                escaped(&curve.name)
            );
        }
        out.push_str("</div>\n");
        self.draw(&mut out)?;
        out.push_str("</figure>\n");
        Ok(out)
    }

    fn draw(&self, out: &mut String) -> Result<(), Box<dyn Error>> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (WIDTH, self.height)).into_drawing_area();
            let time = self.time.0..self.time.1;
            let (right_unit, right) = self.right.unwrap_or_default();
            let mut chart = ChartBuilder::on(&area)
                .margin(10)
                .x_label_area_size(38)
                .y_label_area_size(56)
                .right_y_label_area_size(if right.is_empty() { 0 } else { 64 })
                .build_cartesian_2d(time.clone(), 0.0..top(self.curves))?
                .set_secondary_coord(time, 0.0..top(right));
            chart
                .configure_mesh()
                .disable_x_mesh()
                .light_line_style(BLACK.mix(0.0))
                .bold_line_style(BLACK.mix(0.12))
                .label_style(("sans-serif", 13).into_font())
                .x_label_formatter(self.time_label)
                .y_label_formatter(&short)
                .y_labels(6)
                .x_desc(self.time_unit)
                .y_desc(self.unit)
                .draw()?;
            for curve in self.curves {
                for line in &curve.lines {
                    chart.draw_series(LineSeries::new(line.iter().copied(), curve.color.stroke_width(curve.width)))?;
                }
            }
            if !right.is_empty() {
                chart.configure_secondary_axes().y_desc(right_unit).y_label_formatter(&short).draw()?;
            }
            for curve in right {
                for line in &curve.lines {
                    let points = line.iter().copied();
                    chart.draw_secondary_series(LineSeries::new(points, curve.color.stroke_width(curve.width)))?;
                }
            }
            area.present()?;
        }
        out.push_str(&svg);
        Ok(())
    }
}

/// Where the axis of some curves ends.
fn top(curves: &[Curve]) -> f64 {
    let values = curves.iter().flat_map(|curve| curve.lines.iter().flatten()).map(|(_, value)| *value);
    let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max).min(VALUE_MAX);
    if most > 0.0 { most * 1.08 } else { 1.0 }
}

/// A label of an axis.
fn short(value: &f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
