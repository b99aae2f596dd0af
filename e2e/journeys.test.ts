/** The journeys, in this order: each may change the one system that they share. */
import './src/journeys/newcomer.js';
import './src/journeys/seed.js';
import './src/journeys/replicas.js';
import './src/journeys/delivery.js';
