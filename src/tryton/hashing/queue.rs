//! The queue: who waits, who is next.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// How much the queue admits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Turns at once.
    pub turns: usize,
    /// Who may wait, all together.
    pub waiting: usize,
    /// Who may wait for one login from one network.
    pub waiting_per_login: usize,
}

/// A queue for turns.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

struct Shared {
    limits: Limits,
    state: Mutex<State>,
}

struct State {
    free: usize,
    /// Logins that have a turn now.
    busy: HashSet<String>,
    /// One lane per network in which somebody waits; the first lane is next.
    lanes: VecDeque<Lane>,
}

struct Lane {
    network: String,
    waiters: VecDeque<Waiter>,
}

struct Waiter {
    login: String,
    turn: oneshot::Sender<Turn>,
}

/// The right to do one check; ends when dropped.
pub struct Turn {
    /// `None` when the turn was never taken.
    of: Option<(Queue, String)>,
}

/// There is no room in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Queue {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        let free = limits.turns.max(1);
        let state = State { free, busy: HashSet::new(), lanes: VecDeque::new() };
        Self(Arc::new(Shared { limits, state: Mutex::new(state) }))
    }

    /// Waits for a turn. Dropping the future gives the place up.
    ///
    /// # Errors
    /// [`Full`] at once, or later when a network that waits for less needs the place.
    pub async fn turn(&self, login: &str, network: &str) -> Result<Turn, Full> {
        let receiver = self.line_up(login, network)?;
        receiver.await.map_err(|_| Full)
    }

    /// Turns that are taken now.
    pub fn taken(&self) -> usize {
        self.0.limits.turns.max(1) - self.state().free
    }

    /// Who waits now.
    pub fn waiting(&self) -> usize {
        self.state().waiting()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line_up(&self, login: &str, network: &str) -> Result<oneshot::Receiver<Turn>, Full> {
        let (turn, receiver) = oneshot::channel();
        let waiter = Waiter { login: login.to_owned(), turn };
        let mut state = self.state();
        state.forget_gone();
        state.admit(&self.0.limits, &waiter.login, network)?;
        match state.lanes.iter_mut().find(|lane| lane.network == network) {
            Some(lane) => lane.waiters.push_back(waiter),
            None => {
                state
                    .lanes
                    .push_back(Lane { network: network.to_owned(), waiters: VecDeque::from([waiter]) });
            }
        }
        self.hand_out(&mut state);
        Ok(receiver)
    }

    fn hand_out(&self, state: &mut State) {
        while state.free > 0
            && let Some(Waiter { login, turn }) = state.next()
        {
            state.free -= 1;
            state.busy.insert(login.clone());
            if let Err(mut unwanted) = turn.send(Turn { of: Some((self.clone(), login)) })
                && let Some((_, login)) = unwanted.of.take()
            {
                // Whoever waited is gone. The turn must not end itself: the state is locked here.
                state.free += 1;
                state.busy.remove(&login);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((queue, login)) = self.of.take() {
            let mut state = queue.state();
            state.free += 1;
            state.busy.remove(&login);
            queue.hand_out(&mut state);
        }
    }
}

impl State {
    fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.waiters.len()).sum()
    }

    fn forget_gone(&mut self) {
        for lane in &mut self.lanes {
            lane.waiters.retain(|waiter| !waiter.turn.is_closed());
        }
        self.lanes.retain(|lane| !lane.waiters.is_empty());
    }

    /// Whether one more may wait. When all places are taken the network that holds most of them gives up its last,
    /// unless the newcomer's network would then hold as many.
    fn admit(&mut self, limits: &Limits, login: &str, network: &str) -> Result<(), Full> {
        let lane = self.lanes.iter().find(|lane| lane.network == network);
        let own = lane.map_or(0, |lane| lane.waiters.len());
        let same = lane.map_or(0, |lane| lane.waiters.iter().filter(|waiter| waiter.login == login).count());
        if same >= limits.waiting_per_login {
            return Err(Full);
        }
        if self.waiting() < limits.waiting {
            return Ok(());
        }
        match self.lanes.iter_mut().max_by_key(|lane| lane.waiters.len()) {
            Some(longest) if longest.waiters.len() > own + 1 => {
                // Dropping its sender tells the one who waited.
                longest.waiters.pop_back();
                Ok(())
            }
            // Nobody waits and nobody may: still fine when a turn is free.
            None if self.free > 0 => Ok(()),
            _ => Err(Full),
        }
    }

    /// Takes the next waiter whose login is not being checked, from the lane that was served longest ago.
    fn next(&mut self) -> Option<Waiter> {
        let busy = &self.busy;
        let eligible = |waiter: &Waiter| !busy.contains(&waiter.login);
        let (lane, waiter) = self.lanes.iter().enumerate().find_map(|(index, lane)| {
            lane.waiters.iter().position(eligible).map(|position| (index, position))
        })?;
        let mut lane = self.lanes.remove(lane)?;
        let next = lane.waiters.remove(waiter);
        if !lane.waiters.is_empty() {
            self.lanes.push_back(lane);
        }
        next
    }
}
