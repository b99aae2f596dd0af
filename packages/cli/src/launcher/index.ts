export type { LauncherProcess } from './reply.js';
export {
  askProcesses,
  askStatus,
  type LauncherRequest,
  type RequestLauncherOptions,
  requestLauncher,
} from './request.js';
