export { addToCompose, COMPOSE, composeServices, removeFromCompose } from './compose.js';
export { BUF, endExemption, exempt, readExemptions } from './exemptions.js';
export { addProject, PROJECTS, removeProject } from './projects.js';
export { readYaml } from './yaml-file.js';
