export { consoleDestination, createLog } from './log.js';
