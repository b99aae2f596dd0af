import { describeExactness } from './exactness.js';

describeExactness([1, 2, 3, 4, 5, 6], 250);
