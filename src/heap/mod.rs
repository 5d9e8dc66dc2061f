//! Large values that are needed for a moment, out of the way of what stays in memory.
//!
//! A program gives memory back to the system from the end of a heap only, and glibc gives a new thread a heap that nobody else
//! uses, as long as there are not many threads. So what is needed for a moment is made by a thread of its own, which also
//! releases it, and ends. Elsewhere that costs a thread and gains nothing.

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
pub fn made<T: Send + 'static, M: FnOnce() -> T + Send + 'static>(make: M) -> (T, Maker) {
    let (job, jobs) = mpsc::channel::<M>();
    let (made, value) = mpsc::channel();
    let (maker, released) = mpsc::channel::<Box<dyn Send>>();
    let thread = thread::Builder::new().spawn(move || {
        if let Ok(make) = jobs.recv() {
            let _ = made.send(make());
            drop(made);
            released.into_iter().for_each(drop);
            settle();
        }
    });
    // Where no thread can be had it is made here.
    let Ok(thread) = thread else { return (make(), Maker(maker)) };
    let _ = job.send(make);
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
    /// Releases what was made, and what else was needed with it.
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
