/** A publication or data set with figures of real hospitals. */
export interface Source {
  /** Short form for legends and tables. */
  readonly name: string;
  /** Title, place and year. */
  readonly title: string;
  /** Address or DOI under which it was found. */
  readonly address: string;
  /** What of it is used, and how far it is comparable. */
  readonly use: string;
}

/** Publications with figures that are compared, by the key under which the page names them. */
export const SOURCES = {
  blecker: {
    name: 'Blecker 2013',
    title:
      'Monitoring the pulse of hospital activity: electronic health record utilization as a measure of care intensity. J Hosp Med 8:513–518, 2013',
    address: 'doi:10.1002/jhm.2068',
    use: 'Record accesses per inpatient, weekdays against weekends: 1.76 by day, 1.52 in the morning and evening, 1.14 by night. One academic centre. The abstract does not give the hours of the three parts; those of this page are 9–17, 6–9 with 17–22, and 22–6 h.',
  },
  christus: {
    name: 'CHRISTUS Health',
    title: 'Clinical impact and value of workstation single sign-on (abstract; the study began after 2015)',
    address: 'https://paperexplained.cn/articles/paper/detail/9d24dcf8b6c01b742778cd670a4e98b81e44e218',
    use: '65,202 sign-ins of 2,256 clinical users in 7 days in 6 hospitals: 28.9 a person and week. The sign-ins were a systematic sample, so the true number may be higher.',
  },
  hospitalists: {
    name: 'SHM, hospitalists',
    title:
      'Hospitalists and the electronic medical record. Society of Hospital Medicine, abstract (audit logs of 2016–2017)',
    address: 'https://shmabstracts.org/abstract/hospitalists-and-the-electronic-medical-record/',
    use: '24 physicians saw 17 patients a working day (patients for whom they signed a note). Patients whose records were opened, which this page counts, are at least these.',
  },
  aiken: {
    name: 'RN4CAST 2014',
    title:
      'Nurse staffing and education and hospital mortality in nine European countries. Lancet 383:1824–1830, 2014, table 2',
    address: 'https://pmc.ncbi.nlm.nih.gov/articles/PMC4035380/table/T2',
    use: 'Patients to a nurse: 8.3 on average over 300 hospitals, 3.4 to 17.9 between them. Reported by nurses for their last shift on medical and surgical wards.',
  },
  alassia: {
    name: 'Alassia 2015',
    title:
      'Validating the access to an electronic health record: classification and content analysis of access logs. MEDINFO 2015',
    address: 'doi:10.3233/978-1-61499-564-7-3',
    use: 'Of 20,540,708 accesses 85 % met the rules for access and 15 % had to be justified. A rule is not a care relationship, so the order of size can be compared, not more.',
  },
  boxwala: {
    name: 'Boxwala 2011',
    title:
      'Using statistical and machine learning to help institutions detect suspicious access to electronic health records. J Am Med Inform Assoc 18:498–505, 2011, table 3',
    address: 'https://pmc.ncbi.nlm.nih.gov/articles/PMC3128412/table/tbl3',
    use: 'Of 10.5 million accesses in two months: 975 to a co-worker’s record, 1,487 to that of a VIP, 9,202 to that of a family member, 58,152 to that of a neighbour. How neighbours were told is not in the table.',
  },
  florida: {
    name: 'Florida 2010–2018',
    title:
      'The distributions of weekday discharge times at acute care hospitals in the state of Florida were static from 2010 to 2018. J Med Syst',
    address: 'doi:10.1007/s10916-019-1496-x',
    use: 'On weekdays 13.0 % of the patients are discharged before noon and 42.2 % before 15 h, in 202 hospitals; the median hour is 15 h. Mean stay 4.63 days.',
  },
  admissions: {
    name: 'SHM, admissions',
    title:
      'Impact of admission day and time on outcomes of hospitalized patients. Society of Hospital Medicine, abstract (2016–2018)',
    address: 'https://shmabstracts.org/abstract/impact-of-admission-day-and-time-on-outcomes-of-hospitalized-patients/',
    use: '66,132 admissions of one hospital: a quarter each before 8:42, 14:48 and 19:12 h, 19.2 % at weekends, mean stay 5.5 days, 2.2 % died.',
  },
  oecdBeds: {
    name: 'OECD 2021',
    title: 'Health at a Glance 2023, Hospital beds and occupancy. OECD, 2023',
    address: 'https://oecd.org/en/publications/health-at-a-glance-2023_7a7afb35-en/full-report/component-33.html',
    use: 'Mean occupancy of acute beds in 2021: 69.8 %; about 85 % is often taken for the highest safe one.',
  },
  oecdStays: {
    name: 'OECD 2017',
    title: 'Average length of stay in hospitals. OECD, data of 2017',
    address: 'https://read.oecd.org/10.1787/0d8bb30a-en?format=html',
    use: 'Mean stay slightly less than 8 days across OECD countries in 2017, 4 in the shortest and over 16 in the longest. Drawn at 8.',
  },
  hcup: {
    name: 'HCUP 2012',
    title: 'Overview of Hospital Stays in the United States, 2012. HCUP Statistical Brief 180, 2014',
    address: 'https://hcup-us.ahrq.gov./reports/statbriefs/sb180-Hospitalizations-United-States-2012.jsp',
    use: 'Mean stay 4.5 days.',
  },
  wustl: {
    name: 'WUSTL-EHMS-2020',
    title:
      'WUSTL-EHMS-2020, flow records of a medical sensor gateway. Washington University in St. Louis, 2020 (data set)',
    address: 'https://github.com/elahehmood/WUSTL-EHMS-IoMT-Security-Analysis',
    use: 'Measured over its 9,966 connections without attack: median 682 bytes in both directions, 7 packets, 12 ms. One gateway in a laboratory opens a connection for each reading; the simulation sums up connections as a network monitor does.',
  },
} as const satisfies Readonly<Record<string, Source>>;

/** Publications that were found and cannot be compared, with the reason. */
export const NOT_COMPARED: readonly Source[] = [
  {
    name: 'Wang 2019',
    title:
      'Characterizing electronic health record usage patterns of inpatient medicine residents using event log data. PLoS ONE 14(2), 2019',
    address: 'doi:10.1371/journal.pone.0205379',
    use: 'Shows record actions of residents in half hours as a figure; its numbers were not accessible. In words: night teams stop at the end of the shift, day teams go on for a while. Residents spent 5.38 hours a day in the record.',
  },
  {
    name: 'AMIA 2018',
    title: 'Quantifying and visualizing nursing flowsheet documentation burden in acute and critical care. AMIA, 2018',
    address: 'https://pmc.ncbi.nlm.nih.gov/articles/PMC6371331',
    use: '631–875 manual flowsheet entries in a 12-hour shift of an acute-care nurse. An entry is one value; the simulation counts record changes, each of which stands for many.',
  },
  {
    name: 'Lee 2017',
    title:
      'Usage pattern differences and similarities of mobile electronic medical records among health care providers. JMIR mHealth 5(12), 2017',
    address: 'doi:10.2196/mhealth.8855',
    use: '438 users a day used the record on own phones 1,044 times. A tertiary hospital of another size, with an app of its own.',
  },
  {
    name: 'Mah 2007',
    title:
      'Impact of various imaging modalities on PACS archiving and storage. Medical University of South Carolina, 2007',
    address: 'https://vdocuments.site/impact-of-various-imaging-mod-ali-ties-.html',
    use: '1.2 TB a month came to the image archive. The number of studies, devices and beds is not given, and studies have grown since.',
  },
  {
    name: 'HL7 UK 2008',
    title: 'HL7v2 messages shown to be scalable and robust. HL7 UK, 2008',
    address: 'http://hl7.org.uk/marketing/archive/2008/080702_v2_Messages.asp',
    use: '433 HL7 messages a visit or admission at the Mayo Clinic in Rochester. The simulation has connections, each of which carries many messages.',
  },
  {
    name: 'Røstad 2006',
    title:
      'A study of access control requirements for healthcare systems based on audit trails from access logs. ACSAC 2006',
    address: 'doi:10.1109/ACSAC.2006.8',
    use: 'Says that emergency access was used too often to be an exception; the abstract has no number.',
  },
  {
    name: 'Mashnoor 2024',
    title: 'Network traffic analysis of medical devices. arXiv 2407.13857, 2024',
    address: 'https://arxiv.org/html/2407.13857v1',
    use: 'Traffic of eight devices for use at home (glucose, blood pressure, baby monitor); none of them is a device of a ward.',
  },
  {
    name: 'ToN_IoT',
    title: 'ToN_IoT telemetry: fridge, GPS tracker, motion sensor. UNSW Canberra (data set)',
    address: 'https://github.com/robpickerill/ton-iot',
    use: 'No medical devices, and no connections by device.',
  },
];
