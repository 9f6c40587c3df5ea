//! `Counters` over a dataset of Analytics Engine.

use std::rc::Rc;

use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;

use crate::edge::js;
use crate::edge::log::Console;
use crate::ports::{Counters, DataPoint, Level, Log};

#[wasm_bindgen]
extern "C" {
    /// The binding.
    type AnalyticsEngineDataset;

    #[wasm_bindgen(method, catch, js_name = writeDataPoint)]
    fn write_data_point(this: &AnalyticsEngineDataset, point: &Object) -> Result<(), JsValue>;
}

/// A dataset.
pub(super) struct Dataset(AnalyticsEngineDataset);

impl Dataset {
    /// Over the binding, where there is one.
    pub(super) fn of(binding: JsValue) -> Option<Rc<dyn Counters>> {
        if binding.is_undefined() {
            return None;
        }
        Some(Rc::new(Self(binding.unchecked_into())))
    }
}

impl Counters for Dataset {
    fn count(&self, point: &DataPoint) {
        let texts = point.blobs.iter().map(|text| JsValue::from_str(text));
        let numbers = point
            .doubles
            .iter()
            .map(|number| JsValue::from_f64(*number));
        let point = js::object(&[
            (
                "indexes",
                Array::of1(&JsValue::from_str(&point.index)).into(),
            ),
            ("blobs", texts.collect::<Array>().into()),
            ("doubles", numbers.collect::<Array>().into()),
        ]);
        if let Err(thrown) = self.0.write_data_point(&point) {
            Console.line(Level::Warning, &js::describe(&thrown));
        }
    }
}
