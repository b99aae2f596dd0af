/** What operators do to a system, in this order: each may change the one system that they share. The last part stops it. */
import './src/operating/secrets.js';
import './src/operating/launcher.js';
import './src/operating/restart.js';
