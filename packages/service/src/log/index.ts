export { consoleDestination, createLog, type LogOptions } from './log.js';
