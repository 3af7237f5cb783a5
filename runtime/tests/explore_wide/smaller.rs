//! Programs that are smaller than one that shows a difference.

use crate::program::{Op, Program, Restarts, Setting};

/// Takes a change that makes a program smaller.
type Add<'a> = dyn FnMut(&dyn Fn(&mut Program)) + 'a;

/// Which of a program's lists of operations.
type Script = for<'a> fn(&'a mut Program, usize) -> &'a mut Vec<Op>;

impl Program {
    /// Each program that is this one without something.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut program = self.clone();
            change(&mut program);
            if program != *self {
                all.push(program);
            }
        };
        for client in 0..self.clients.len() {
            add(&|program| drop(program.clients.remove(client)));
            shorten(&mut add, &self.clients[client], |program, client| &mut program.clients[client], client);
        }
        // Whoever meant it means nobody then.
        if self.actors.len() > 1 {
            add(&|program| drop(program.actors.pop()));
        }
        for (actor, plan) in self.actors.iter().enumerate() {
            shorten(&mut add, &plan.does, |program, actor| &mut program.actors[actor].does, actor);
            shorten(&mut add, &plan.starts, |program, actor| &mut program.actors[actor].starts, actor);
            add(&|program| program.actors[actor].mailbox = Setting::Push(2));
            add(&|program| program.actors[actor].restarts = Restarts::Never);
            add(&|program| program.actors[actor].phase = 0);
        }
        for fault in 0..self.faults.len() {
            add(&|program| {
                program.faults.remove(fault);
            });
        }
        add(&|program| program.most = 1);
        add(&|program| program.channel = Setting::Push(1));
        add(&|program| program.settles = true);
        add(&|program| program.keeps = false);
        add(&|program| program.hops = 1);
        add(&|program| program.any_time = false);
        add(&|program| program.property = None);
        all
    }
}

/// Takes out each operation, and puts each part of one in its place.
fn shorten(add: &mut Add<'_>, ops: &[Op], script: Script, of: usize) {
    for (n, op) in ops.iter().enumerate() {
        add(&|program| drop(script(program, of).remove(n)));
        for part in op.parts() {
            add(&|program| script(program, of)[n] = part.clone());
        }
    }
}
