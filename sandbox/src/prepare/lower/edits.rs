//! Pieces of a text that are replaced, and the way back from the result.

use oxc::span::Span;

pub(super) struct Edits {
    list: Vec<Edit>,
    /// Bytes that may still be added.
    room: usize,
    too_large: Option<Span>,
}

struct Edit {
    replaced: Span,
    text: String,
    /// The place that the new text leads back to.
    from: u32,
}

impl Edits {
    pub(super) fn new(room: usize) -> Self {
        Self { list: Vec::new(), room, too_large: None }
    }

    pub(super) fn insert(&mut self, at: u32, text: impl Into<String>) {
        self.replace(Span::empty(at), text);
    }

    pub(super) fn replace(&mut self, replaced: Span, text: impl Into<String>) {
        self.replace_from(replaced, replaced.start, text);
    }

    /// Replaces a piece by a text that leads back to `from`. Where two edits begin at one place, the first one comes
    /// first.
    pub(super) fn replace_from(&mut self, replaced: Span, from: u32, text: impl Into<String>) {
        let text = text.into();
        match self.room.checked_sub(text.len()) {
            Some(room) if self.too_large.is_none() => {
                self.room = room;
                self.list.push(Edit { replaced, text, from });
            }
            _ => {
                self.too_large.get_or_insert(Span::sized(from, 1));
            }
        }
    }

    /// The place where the room ran out, if it did.
    pub(super) fn too_large(&self) -> Option<Span> {
        self.too_large
    }

    /// Applies all edits to the text. An edit inside a replaced piece is dropped.
    pub(super) fn apply(mut self, text: &str) -> Edited {
        self.list.sort_by_key(|edit| edit.replaced.start);
        let (pieces, end) = (Vec::new(), offset(text.len()));
        let mut edited = Edited { text: String::with_capacity(text.len() * 2), pieces, end };
        let mut done = 0;
        for edit in &self.list {
            if edit.replaced.start < done {
                continue;
            }
            edited.keep(text, done, edit.replaced.start);
            edited.pieces.push(Piece { start: offset(edited.text.len()), original: edit.from, kept: false });
            edited.text.push_str(&edit.text);
            done = edit.replaced.end;
        }
        edited.keep(text, done, end);
        edited
    }
}

pub(super) struct Edited {
    text: String,
    pieces: Vec<Piece>,
    /// Where the original ends.
    end: u32,
}

struct Piece {
    start: u32,
    original: u32,
    /// Whether the piece is a copy of the original.
    kept: bool,
}

impl Edited {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn keep(&mut self, text: &str, from: u32, to: u32) {
        if from < to {
            self.pieces.push(Piece { start: offset(self.text.len()), original: from, kept: true });
            self.text.push_str(&text[from as usize..to as usize]);
        }
    }

    /// The place in the original. A place in a new piece leads to one character, at the place that the piece leads back to.
    pub(super) fn original(&self, span: Span) -> Span {
        let start = self.back(span.start);
        let end = if span.is_empty() { start } else { self.back(span.end - 1) + 1 };
        Span::new(start, end.min(self.end).max(start))
    }

    fn back(&self, at: u32) -> u32 {
        let index = self.pieces.partition_point(|piece| piece.start <= at).saturating_sub(1);
        let Some(piece) = self.pieces.get(index) else { return at };
        if piece.kept { piece.original + (at - piece.start) } else { piece.original }
    }
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_leads_back_and_what_is_replaced_is_gone() {
        let text = "let abc = def + ghi;";
        let mut edits = Edits::new(100);
        edits.insert(10, "x.");
        edits.insert(4, "-");
        edits.replace(Span::new(0, 4), "var ");
        edits.replace(Span::new(14, 19), "!");
        edits.insert(16, "gone");
        let edited = edits.apply(text);
        assert_eq!(edited.text(), "var -abc = x.def !;");
        let places = [(0, 0), (4, 4), (5, 4), (6, 5), (11, 10), (13, 10), (15, 12), (17, 14), (18, 19)];
        for (at, original) in places {
            assert_eq!(edited.original(Span::sized(at, 1)).start, original, "{at}");
        }
        assert_eq!(edited.original(Span::new(5, 16)), Span::new(4, 13));
    }

    #[test]
    fn no_more_is_added_than_there_is_room_for() {
        let mut edits = Edits::new(5);
        edits.insert(1, "abc");
        assert_eq!(edits.too_large(), None);
        edits.insert(2, "abc");
        edits.insert(3, "");
        assert_eq!(edits.too_large(), Some(Span::sized(2, 1)));
    }
}
