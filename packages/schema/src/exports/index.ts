/**
 * Contracts that a process learns at run time: by reflection, as descriptors, and JSON that is read by them. `rondo` and
 * the gateway use it. Generated code doesn't need it.
 */

export {};
