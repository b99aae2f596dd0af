import { render } from 'preact';
import { App } from './app.js';

document.title = 'Rondo console';
const root = document.getElementById('page');
if (root !== null) render(<App />, root);
