//! All formats: those that come with the binary and those of users' folders, over one field registry.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_event::{Registry, RegistryBuilder};

use crate::error::{CatalogError, LoadError};
use crate::folders;
use crate::format::{Draft, Format};
use crate::load::{self, Files};

#[cfg(test)]
mod tests;

/// Formats by name.
#[derive(Debug)]
pub struct Catalog {
    registry: Arc<Registry>,
    formats: Vec<Arc<Format>>,
    by_name: HashMap<String, usize>,
}

impl Catalog {
    /// Loads the embedded formats and those below `dirs`. A format with a mistake is left out and reported; of two with
    /// one name the later counts, so that a user's folder can replace a format of ours.
    ///
    /// # Errors
    /// [`CatalogError`] when a folder cannot be read at all.
    pub fn load(dirs: &[PathBuf]) -> Result<(Self, Vec<LoadError>), CatalogError> {
        let mut sources = folders::embedded();
        for dir in dirs {
            let found = folders::find(dir).map_err(|cause| CatalogError::Folder { path: dir.clone(), cause })?;
            sources.extend(found.iter().map(|folder| folders::read(folder)));
        }
        let mut errors = Vec::new();
        let mut drafts: Vec<Draft> = Vec::new();
        let built_in = RegistryBuilder::with_ecs().freeze();
        for files in &sources {
            match load::read(files) {
                Ok(source) => {
                    let draft = Draft::new(source, &built_in);
                    match drafts.iter_mut().find(|known| known.slug() == draft.slug()) {
                        Some(known) => *known = draft,
                        None => drafts.push(draft),
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        Ok((Self::compile(drafts), errors))
    }

    fn compile(drafts: Vec<Draft>) -> Self {
        let mut builder = RegistryBuilder::with_ecs();
        for draft in &drafts {
            draft.declare(&mut builder);
        }
        let registry = builder.freeze();
        let formats: Vec<Arc<Format>> = drafts.into_iter().map(|draft| Arc::new(draft.compile(&registry))).collect();
        let mut by_name = HashMap::new();
        for (index, format) in formats.iter().enumerate() {
            by_name.insert(format.name().to_owned(), index);
            if !format.manifest().uuid.is_empty() {
                by_name.insert(format.manifest().uuid.to_lowercase(), index);
            }
        }
        Self { registry, formats, by_name }
    }

    /// The format in one folder, alone with its own registry.
    ///
    /// # Errors
    /// [`LoadError`] says where the format's files are wrong.
    pub fn load_format(folder: &Path) -> Result<Arc<Format>, LoadError> {
        Self::alone(&folders::read(folder))
    }

    /// A format alone with its own registry.
    pub(crate) fn alone(files: &Files) -> Result<Arc<Format>, LoadError> {
        let source = load::read(files)?;
        let built_in = RegistryBuilder::with_ecs().freeze();
        let draft = Draft::new(source, &built_in);
        let mut builder = RegistryBuilder::with_ecs();
        draft.declare(&mut builder);
        Ok(Arc::new(draft.compile(&builder.freeze())))
    }

    /// The registry of all formats' fields.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// A format by its name or its UUID.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Format>> {
        let index = self.by_name.get(name).or_else(|| self.by_name.get(&name.to_lowercase()))?;
        self.formats.get(*index)
    }

    /// All formats.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Format>> {
        self.formats.iter()
    }
}
