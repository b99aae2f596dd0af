export { EndpointGroup, type EndpointGroupOptions } from './endpoint-group.js';
export { channelClosed } from './lookup.js';
