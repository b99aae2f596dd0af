/** What the gateway does for clients of each kind, in this order, over one system. */
import './src/journeys/collector.js';
import './src/journeys/traced.js';
import './src/journeys/openapi.js';
import './src/journeys/gateway.js';
