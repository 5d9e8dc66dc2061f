//! Large values that are needed for a moment, out of the way of what stays in memory.
//!
//! A program gives memory back to the system from the end of a heap only. What is made for a moment therefore has a heap of its
//! own, which is that of the thread that makes it, and the same thread releases it and ends.

use std::{
    hint::black_box,
    panic::resume_unwind,
    sync::mpsc::{self, Sender},
    thread,
};

/// A thread that has made a value, and waits for it to come back.
#[derive(Debug)]
pub struct Maker(Sender<Box<dyn Send>>);

/// Makes a value in a thread of its own.
pub fn made<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> (T, Maker) {
    let (made, value) = mpsc::channel();
    let (maker, released) = mpsc::channel::<Box<dyn Send>>();
    let thread = thread::spawn(move || {
        let _ = made.send(make());
        drop(made);
        released.into_iter().for_each(drop);
        settle();
    });
    if let Ok(value) = value.recv() {
        return (value, Maker(maker));
    }
    drop(maker);
    resume_unwind(thread.join().expect_err("who sends nothing has panicked"))
}

/// Makes a value in a thread of its own, and copies it to where what stays is.
///
/// # Errors
/// As `make`.
pub fn copied<T, E>(make: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Clone + Send + 'static,
    E: Send + 'static,
{
    let (value, maker) = made(make);
    let value = value?;
    let copy = value.clone();
    maker.release(value);
    Ok(copy)
}

impl Maker {
    /// Releases what was made.
    pub fn release(self, value: impl Send + 'static) {
        let _ = self.0.send(Box::new(value));
    }
}

/// glibc keeps small pieces that were released apart from each other until somebody asks for a large one; only then what is free
/// at the end of a heap goes back to the system.
fn settle() {
    drop(black_box(Vec::<u8>::with_capacity(100 << 10)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_and_released_in_the_same_thread() {
        struct Value(thread::ThreadId, Sender<thread::ThreadId>);
        impl Drop for Value {
            fn drop(&mut self) {
                let _ = self.1.send(thread::current().id());
            }
        }
        let (sender, dropped) = mpsc::channel();
        let (value, maker) = made(move || Value(thread::current().id(), sender));
        let made = value.0;
        assert_ne!(made, thread::current().id());
        maker.release(value);
        assert_eq!(dropped.recv().unwrap(), made);
    }

    #[test]
    fn a_panic_is_that_of_who_asked() {
        let panic = std::panic::catch_unwind(|| made(|| -> u8 { panic!("no value") })).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"no value"));
    }
}
