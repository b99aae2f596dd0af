export { fingerprintsOf } from './fingerprint.js';
