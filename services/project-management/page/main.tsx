import { showPage } from '@rondo/console/page';
import { ProjectPage } from './project-page.js';
import { ProjectsPage } from './projects-page.js';

showPage({
  title: 'Project board',
  places: [['', 'Projects']],
  show: (place) => (place === '' ? <ProjectsPage /> : <ProjectPage key={place} name={place} />),
});
