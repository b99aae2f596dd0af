-- The teams of reservations from before migration 0014. The lock keeps a move of a project waiting.
WITH teams AS MATERIALIZED (SELECT id, team FROM projects WHERE team <> '' FOR SHARE)
UPDATE reservations SET team = teams.team FROM teams WHERE reservations.project_id = teams.id AND reservations.team <> teams.team;
