//! The fields of a model.

use super::Field;
use crate::tryton::Name;

/// Fields by name, in the order of their names. There are thousands, and a map has room for more than most models have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<Field>);

impl Fields {
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|field| field.name.as_str().cmp(name))
    }

    /// The field of this name.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.place(name).ok().map(|place| &self.0[place])
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Field> {
        self.place(name).ok().map(|place| &mut self.0[place])
    }

    /// There is a field of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Adds a field, in place of one with the same name.
    pub fn insert(&mut self, field: Field) {
        match self.place(&field.name) {
            Ok(place) => self.0[place] = field,
            Err(place) => self.0.insert(place, field),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.0.iter()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        self.0.iter().map(|field| field.name)
    }
}

impl FromIterator<Field> for Fields {
    /// Of several with the same name the first.
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        let mut all: Vec<_> = fields.into_iter().collect();
        all.sort_by_key(|field| field.name);
        all.dedup_by_key(|field| field.name);
        all.shrink_to_fit();
        Self(all)
    }
}

#[cfg(test)]
mod tests {
    use super::super::FieldKind;
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name() {
        let field = |name: &str| Field::new(name, FieldKind::Integer);
        let mut fields: Fields = ["name", "active", "party"].map(field).into_iter().collect();
        assert_eq!(fields.names().collect::<Vec<_>>(), ["active", "name", "party"]);
        fields.insert(Field { secret: true, ..field("name") });
        fields.insert(field("id"));
        fields.get_mut("party").unwrap().access = true;
        assert_eq!(fields.iter().count(), 4);
        assert!(fields.get("name").unwrap().secret && fields.get("party").unwrap().access);
        assert!(fields.contains("id") && !fields.contains("code") && fields.get("code").is_none());
    }
}
