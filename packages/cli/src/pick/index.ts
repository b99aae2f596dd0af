export { explainAll } from './explain.js';
export { FOOTNOTE, formatExplained, formatHeading, type Origin } from './format.js';
export { type Observer, type ObserverOptions, withObserver } from './observer.js';
