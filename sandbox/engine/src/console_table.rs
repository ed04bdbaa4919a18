//! `console.table`: a row for each element, a column for each property.

use alloc::vec::Vec;

use crate::inspect::{Manner, inspected};
use crate::js::{Atom, Raw, Value};
use crate::layout::width;
use crate::look::{Keys, Property};
use crate::quote::write_text;

const ROWS_MAX: usize = 100;
const COLUMNS_MAX: usize = 30;

const INDEX: &[u8] = b"(index)";
const ITERATION: &[u8] = b"(iteration index)";
const VALUES: &[u8] = b"Values";

/// A heading, and a cell for each row that has one.
struct Column {
    heading: Vec<u8>,
    key: Option<Atom>,
    cells: Vec<Vec<u8>>,
}

impl Column {
    fn new(heading: &[u8]) -> Self {
        Self { heading: heading.to_vec(), key: None, cells: Vec::new() }
    }

    fn set(&mut self, row: usize, cell: Vec<u8>) {
        self.cells.resize(row, Vec::new());
        self.cells.push(cell);
    }
}

/// The table of the first argument, with the columns that the second one names. Returns `None` where the first is no object, or a function.
pub(crate) fn table(arguments: &[Raw]) -> Option<Vec<u8>> {
    let data = Value::copied(*arguments.first()?);
    let data = if data.is_object() { data.proxied()? } else { return None };
    if data.is_function() {
        return None;
    }
    let wanted = arguments.get(1).map(|&wanted| Value::copied(wanted)).filter(Value::is_array);
    let columns = match data.entries(2 * ROWS_MAX) {
        Some((count, values)) => of_entries(&data, count, &values),
        None => of_members(&data, wanted.as_ref()),
    };
    Some(drawn(&columns))
}

/// The columns of a Map or a Set.
fn of_entries(data: &Value, count: usize, values: &[Value]) -> Vec<Column> {
    let headings: &[&[u8]] = if data.is_map() { &[b"Key", VALUES] } else { &[VALUES] };
    let mut columns: Vec<Column> = headings.iter().map(|heading| Column::new(heading)).collect();
    let mut index = Column::new(ITERATION);
    for (row, entry) in values.chunks(headings.len()).take(count.min(ROWS_MAX)).enumerate() {
        index.set(row, alloc::format!("{row}").into_bytes());
        for (column, value) in columns.iter_mut().zip(entry) {
            column.set(row, cell(value));
        }
    }
    columns.insert(0, index);
    columns
}

fn of_members(data: &Value, wanted: Option<&Value>) -> Vec<Column> {
    let mut index = Column::new(INDEX);
    let mut columns: Vec<Column> = Vec::new();
    let mut values = Column::new(VALUES);
    for name in wanted.into_iter().flat_map(members) {
        if let Some(name) = wanted.and_then(|wanted| wanted.own_data(&name)).and_then(|name| name.text().ok()) {
            column(&mut columns, Atom::new(&name));
        }
    }
    for (row, key) in members(data).into_iter().enumerate() {
        let Some(item) = data.own_data(&key) else { continue };
        index.set(row, text(&key.value()));
        if !item.is_object() || item.is_proxy() {
            if wanted.is_none() {
                values.set(row, cell(&item));
            }
            continue;
        }
        let keys = match wanted {
            Some(_) => columns
                .iter()
                .filter_map(|column| column.key.as_ref())
                .map(|key| Atom::new(&text(&key.value())))
                .collect(),
            None => members(&item),
        };
        for key in keys {
            let shown = match item.property(&key) {
                Some(Property::Data { value, .. }) => cell(&value),
                Some(Property::Accessor { .. }) => b"[Getter]".to_vec(),
                None => Vec::new(),
            };
            if let Some(column) = column(&mut columns, key) {
                column.set(row, shown);
            }
        }
    }
    if !values.cells.is_empty() {
        columns.push(values);
    }
    columns.insert(0, index);
    columns
}

/// The column of a key. Makes the column if it is missing. Returns `None` if it is missing and there is no room for another.
fn column(columns: &mut Vec<Column>, key: Atom) -> Option<&mut Column> {
    let known = columns.iter().position(|column| column.key.as_ref().is_some_and(|other| other.raw() == key.raw()));
    let index = match known {
        Some(index) => index,
        None if columns.len() < COLUMNS_MAX => {
            columns.push(Column { heading: text(&key.value()), key: Some(key), cells: Vec::new() });
            columns.len() - 1
        }
        None => return None,
    };
    columns.get_mut(index)
}

/// The keys of an object that become rows or columns, without symbols.
fn members(value: &Value) -> Vec<Atom> {
    let elements = value.elements().unwrap_or(0).min(ROWS_MAX as u32);
    let mut keys: Vec<Atom> = (0..elements).map(Atom::index).collect();
    let (_, others) = value.first_keys(ROWS_MAX - keys.len(), Keys { indices: true, hidden: false });
    keys.extend(others.into_iter().filter(|key| key.value().is_string() || !key.value().is_symbol()));
    keys
}

/// The text of a cell. An object with more than two members is shown by its name only.
fn cell(value: &Value) -> Vec<u8> {
    let is_large = value.is_object()
        && !value.is_array()
        && !value.is_proxy()
        && value.elements().is_none()
        && value.first_keys(1, Keys { indices: true, hidden: false }).0 > 2;
    let depth = if is_large { -1 } else { 0 };
    inspected(value, Manner { depth, items_max: 3, line_max: usize::MAX, ..Manner::default() })
}

fn text(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_text(&mut out, value);
    out
}

fn drawn(columns: &[Column]) -> Vec<u8> {
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| column.cells.iter().chain([&column.heading]).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let rule = |out: &mut Vec<u8>, [left, middle, right]: [&str; 3]| {
        out.extend_from_slice(left.as_bytes());
        for (index, width) in widths.iter().enumerate() {
            let end = if index + 1 < widths.len() { middle } else { right };
            out.extend_from_slice("─".repeat(width + 2).as_bytes());
            out.extend_from_slice(end.as_bytes());
        }
    };
    let line = |out: &mut Vec<u8>, cell: &dyn Fn(&Column) -> Vec<u8>| {
        out.extend_from_slice("\n│".as_bytes());
        for (column, column_width) in columns.iter().zip(&widths) {
            let cell = cell(column);
            out.push(b' ');
            out.extend_from_slice(&cell);
            out.resize(out.len() + column_width - width(&cell) + 1, b' ');
            out.extend_from_slice("│".as_bytes());
        }
    };
    let mut out = Vec::new();
    rule(&mut out, ["┌", "┬", "┐"]);
    line(&mut out, &|column| column.heading.clone());
    out.push(b'\n');
    rule(&mut out, ["├", "┼", "┤"]);
    for row in 0..rows {
        line(&mut out, &|column| column.cells.get(row).cloned().unwrap_or_default());
    }
    out.push(b'\n');
    rule(&mut out, ["└", "┴", "┘"]);
    out
}
