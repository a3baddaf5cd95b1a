//! Writing flat names as nested objects. Names come in the order of their segments, so no object is opened twice.

/// The objects that are open while a row is written.
pub(super) struct Nest<'o> {
    out: &'o mut Vec<u8>,
    open: Vec<Segment>,
    written: bool,
    hidden: Option<Vec<Segment>>,
}

/// One segment of a dotted name: a number that is the same for the same text, and `"text":`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) id: u32,
    pub(super) key: std::sync::Arc<str>,
}

impl<'o> Nest<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, open: Vec::new(), written: false, hidden: None }
    }

    /// Writes a value under its name.
    pub(super) fn put(&mut self, chain: &[Segment], write: impl FnOnce(&mut Vec<u8>)) {
        let Some((last, groups)) = chain.split_last() else { return };
        self.enter(groups);
        self.comma();
        self.out.extend_from_slice(last.key.as_bytes());
        write(self.out);
    }

    /// Opens the object of that name, whose first members are given as JSON.
    pub(super) fn open_with(&mut self, chain: &[Segment], members: &str) {
        self.enter(chain);
        if !members.trim().is_empty() {
            self.comma();
            self.out.extend_from_slice(members.as_bytes());
        }
    }

    /// Leaves out whatever lies below that name from here on.
    pub(super) fn hide_below(&mut self, chain: &[Segment]) {
        self.hidden = Some(chain.to_vec());
    }

    /// Whether a name lies below one that hides it.
    pub(super) fn is_hidden(&self, chain: &[Segment]) -> bool {
        self.hidden.as_ref().is_some_and(|hidden| chain.len() > hidden.len() && chain.starts_with(hidden))
    }

    /// Closes every object.
    pub(super) fn close(mut self) {
        self.close_to(0);
        self.out.push(b'}');
    }

    fn enter(&mut self, groups: &[Segment]) {
        let common = self.open.iter().zip(groups).take_while(|(open, group)| open.id == group.id).count();
        self.close_to(common);
        for group in &groups[common..] {
            self.comma();
            self.out.extend_from_slice(group.key.as_bytes());
            self.out.push(b'{');
            self.open.push(group.clone());
            self.written = false;
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            self.open.pop();
            self.out.push(b'}');
            self.written = true;
        }
    }

    fn comma(&mut self) {
        if self.written {
            self.out.push(b',');
        }
        self.written = true;
    }
}
