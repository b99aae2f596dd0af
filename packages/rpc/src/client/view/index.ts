export { type EndpointView, type MethodView, type ServiceView, viewEndpoints } from './service-view.js';
