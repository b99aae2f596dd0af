/** A meter that nobody reads. */
const instrument = { addCallback() {}, removeCallback() {} };
export const quietMeter = {
  createObservableGauge: () => instrument,
  createObservableCounter: () => instrument,
};
