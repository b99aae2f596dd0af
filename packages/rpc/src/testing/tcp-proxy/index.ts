export { startTcpProxy, type TcpProxy, type TcpProxyOptions } from './tcp-proxy.js';
