-- Nothing ever set what rules overlook here: their list settings, alert filters and Sigma filters say it.
ALTER TABLE rule_settings DROP COLUMN exclusions;
