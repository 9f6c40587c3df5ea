//! Every call of every port fails once, before and after it takes effect, each in a run of its own.

use super::TestRegistry;
use super::world::{Fault, Flavour};

/// Prepares a registry, plays the scene without faults and then with each fault in turn, and hands each run to `check`
/// beside the one without. The scene must go on until it is through, as the world does: deliver again, run again.
pub(crate) fn with_every_fault(
    prepare: impl Fn() -> TestRegistry,
    play: impl Fn(&TestRegistry),
    check: impl Fn(&TestRegistry, &TestRegistry),
) {
    let calm = prepare();
    play(&calm);
    check(&calm, &calm);
    for flavour in [Flavour::Before, Flavour::After] {
        let mut call = 0;
        loop {
            let registry = prepare();
            registry.world.plan_fault(Some(Fault { call, flavour }));
            println!("call {call} fails {flavour:?} its effect");
            play(&registry);
            let is_over = registry.world.is_fault_pending();
            registry.world.plan_fault(None);
            check(&registry, &calm);
            if is_over {
                break;
            }
            call += 1;
        }
        assert!(call > 5, "the scene calls no port");
    }
}
