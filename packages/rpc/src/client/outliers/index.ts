export { Outliers } from './outliers.js';
