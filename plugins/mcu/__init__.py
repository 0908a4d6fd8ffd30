"""The data platform of a municipal control centre: from exports of two systems to a report by mail."""
