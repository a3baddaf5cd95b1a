//! Applications that Gateway recognises behind domains. Ids are made up; names are the products'.

/// Registered domain, id and name.
const TABLE: &[(&str, u16, &str)] = &[
    ("office365.com", 510, "Microsoft 365"),
    ("office.com", 510, "Microsoft 365"),
    ("office.net", 510, "Microsoft 365"),
    ("sharepoint.com", 511, "Microsoft SharePoint"),
    ("onedrive.com", 512, "Microsoft OneDrive"),
    ("teams.microsoft.com", 513, "Microsoft Teams"),
    ("skype.com", 514, "Skype"),
    ("outlook.com", 515, "Outlook"),
    ("microsoftonline.com", 516, "Microsoft Entra ID"),
    ("slack.com", 520, "Slack"),
    ("zoom.us", 521, "Zoom"),
    ("webex.com", 522, "Webex"),
    ("dropbox.com", 530, "Dropbox"),
    ("box.com", 531, "Box"),
    ("icloud.com", 532, "iCloud"),
    ("drive.google.com", 533, "Google Drive"),
    ("mail.google.com", 534, "Gmail"),
    ("gmail.com", 534, "Gmail"),
    ("docs.google.com", 535, "Google Docs"),
    ("github.com", 540, "GitHub"),
    ("gitlab.com", 541, "GitLab"),
    ("atlassian.net", 542, "Atlassian"),
    ("notion.so", 543, "Notion"),
    ("notion.com", 543, "Notion"),
    ("figma.com", 544, "Figma"),
    ("trello.com", 545, "Trello"),
    ("salesforce.com", 550, "Salesforce"),
    ("force.com", 550, "Salesforce"),
    ("hubspot.com", 551, "HubSpot"),
    ("zendesk.com", 552, "Zendesk"),
    ("service-now.com", 553, "ServiceNow"),
    ("myworkday.com", 554, "Workday"),
    ("okta.com", 555, "Okta"),
    ("openai.com", 560, "OpenAI"),
    ("chatgpt.com", 561, "ChatGPT"),
    ("claude.ai", 562, "Claude"),
    ("facebook.com", 570, "Facebook"),
    ("instagram.com", 571, "Instagram"),
    ("linkedin.com", 572, "LinkedIn"),
    ("x.com", 573, "X"),
    ("reddit.com", 574, "Reddit"),
    ("tiktok.com", 575, "TikTok"),
    ("pinterest.com", 576, "Pinterest"),
    ("discord.com", 577, "Discord"),
    ("whatsapp.net", 578, "WhatsApp"),
    ("whatsapp.com", 578, "WhatsApp"),
    ("youtube.com", 580, "YouTube"),
    ("googlevideo.com", 580, "YouTube"),
    ("netflix.com", 581, "Netflix"),
    ("spotify.com", 582, "Spotify"),
    ("twitch.tv", 583, "Twitch"),
    ("disneyplus.com", 584, "Disney+"),
    ("dash.cloudflare.com", 1, "Cloudflare Dashboard"),
    ("stripe.com", 590, "Stripe"),
    ("paypal.com", 591, "PayPal"),
    ("windowsupdate.com", 600, "Windows Update"),
];

/// Index into the table plus one; 0 when the name belongs to no application.
pub(crate) fn of(name: &str) -> u16 {
    let belongs =
        |domain: &str| name.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    TABLE.iter().position(|(domain, _, _)| belongs(domain)).map_or(0, |at| at as u16 + 1)
}

/// Id and name of what [`of`] found.
pub(crate) fn about(application: u16) -> Option<(u16, &'static str)> {
    let (_, id, name) = TABLE.get(usize::from(application).checked_sub(1)?)?;
    Some((*id, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_labels_belong() {
        assert_eq!(about(of("wss-primary.slack.com")), Some((520, "Slack")));
        assert_eq!(about(of("notslack.com")), None);
    }
}
