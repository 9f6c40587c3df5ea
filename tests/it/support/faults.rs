//! Every call of every port fails once, before and after it takes effect, each in a run of its own.

use super::TestRegistry;
use super::world::{Effect, Fault, Flavour};

/// Prepares a registry, plays the scene without faults and then with each fault in turn, and hands each run to `check`
/// beside the one without. The scene must go on until it is through, as the world does: deliver again, run again.
pub(crate) fn with_every_fault(
    prepare: impl Fn() -> TestRegistry,
    play: impl Fn(&TestRegistry),
    check: impl Fn(&TestRegistry, &TestRegistry),
) {
    let calm = prepare();
    calm.world.forget_calls();
    play(&calm);
    let effects = calm.world.effects.borrow().clone();
    assert!(effects.len() > 5, "the scene calls no port");
    check(&calm, &calm);
    for (call, effect) in effects.into_iter().enumerate() {
        for flavour in [Flavour::Before, Flavour::After] {
            // Where there is no effect, there is no before and after.
            if flavour == Flavour::After && effect == Effect::None {
                continue;
            }
            let registry = prepare();
            registry.world.plan_fault(Some(Fault { call, flavour }));
            println!("call {call} fails {flavour:?} its effect");
            play(&registry);
            assert!(!registry.world.is_fault_pending(), "the fault never came");
            check(&registry, &calm);
        }
    }
}
