export { failureOf as failure } from '../../src/testing/failure-of.js';
