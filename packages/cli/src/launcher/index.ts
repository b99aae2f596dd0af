export { askStatus, type RequestLauncherOptions, requestLauncher } from './request.js';
