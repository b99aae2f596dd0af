export { Selection } from './selection.js';
export { groupOf, portionsOf } from './traffic-groups.js';
export { askedVersion, describeVersions, isMeantFor, quoteVersion } from './versions.js';
