export { Leaving } from './leaving.js';
export { followPosition, type Position, type Self } from './position.js';
export { SubsetWindow } from './subset-window.js';
