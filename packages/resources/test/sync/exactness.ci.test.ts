import { describeExactness } from './exactness.js';

describeExactness([1], 100);
