export { readMessage, writeMessage } from './message.js';
export { JsonSplitter } from './split.js';
